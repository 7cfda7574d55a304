// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"reporting/internal/fhir/fhirjson"
)

// FuzzParse holds the parser against encoding/json, which accepts more: what we
// accept it accepts, and it reads the same from what we write.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"resourceType":"Parameters","parameter":[{"name":"x","valueDecimal":1.10},{"name":"y","_valueString":{"id":"a"}}]}`,
		`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}]}`,
		` [ 1e400 , -0 , true , null , "\u00e6\ud83d\ude00\u2028\u0000" , { } , [ ] ] `,
		`{"a":1,"a":2}`, `["\ud800"]`, "\ufeff1", "\"\xff\"", `[[[[`, `1 1`, ``, "\"\u007f\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		value, err := fhirjson.Parse(text)
		if !bytes.Equal(before, text) {
			t.Fatalf("the text was changed from %q to %q", before, text)
		}
		if err != nil {
			var fault *fhirjson.Fault
			if !errors.As(err, &fault) || fault.Reason == "" || fault.Expression != "" || len(fault.Reason) > 1000 {
				t.Fatalf("not a proper fault: %#v", err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is no JSON but accepted", text)
		}
		written := value.AppendJSON(nil)
		// Not cmp.Diff: it takes for ever to compare what is deeply nested.
		if !reflect.DeepEqual(decode(t, text), decode(t, written)) {
			t.Errorf("%q became %q", text, written)
		}
		again, err := fhirjson.Parse(written)
		if err != nil || !reflect.DeepEqual(value, again) {
			t.Errorf("%q does not come back: %v", written, err)
		}
		_ = fhirjson.Check(value) // whatever it is
	})
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}
