// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"testing"

	"reporting/internal/fhir"
)

// What is kept of a call is what was sent, unless the database would refuse it.
func TestKeepParameters(t *testing.T) {
	t.Parallel()
	const begin, end = `{"resourceType":"Parameters", "parameter":[{"name":"a","valueString":"`, `"}] }`
	for name, c := range map[string]struct {
		text   string
		format fhir.Format
		want   string // empty: it is refused
	}{
		"as it stands":               {begin + `x` + end, fhir.JSON, begin + `x` + end},
		"NUL":                        {begin + `\u0000` + end, fhir.JSON, ""},
		"NUL in a name":              {`{"resourceType":"Parameters","\u0000":1}`, fhir.JSON, ""},
		"a backslash before it":      {begin + `\\u0000` + end, fhir.JSON, begin + `\\u0000` + end}, // six characters, none of them NUL
		"XML becomes JSON, compact":  {`<Parameters xmlns="http://hl7.org/fhir"> <id value="i"/> </Parameters>`, fhir.XML, `{"resourceType":"Parameters","id":"i"}`},
		"XML that says what JSON is": {`<Parameters xmlns="http://hl7.org/fhir"><id value="\u0000"/></Parameters>`, fhir.XML, `{"resourceType":"Parameters","id":"\\u0000"}`},
	} {
		got, issues := fhir.KeepParameters([]byte(c.text), c.format)
		if string(got) != c.want || (len(issues) == 0) == (c.want == "") {
			t.Errorf("%s: %s, %v", name, got, issues)
		}
	}
}
