// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"encoding/json"
	"testing"

	"reporting/internal/fhir/fhirjson"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text             string
		integer, decimal bool
	}{
		{"0", true, true},
		{"-0", true, true},
		{"10", true, true},
		{"-12345678901234567890", true, true},
		{"1.10", false, true},
		{"0.0", false, true},
		{"1e400", false, true},
		{"1E+2", false, true},
		{"-1.5e-7", false, true},
		{"", false, false},
		{"-", false, false},
		{"+1", false, false},
		{"01", false, false},
		{"-01.5", false, false},
		{".5", false, false},
		{"5.", false, false},
		{"1.e5", false, false},
		{"1e", false, false},
		{"1e+", false, false},
		{"1e5.5", false, false},
		{" 1", false, false},
		{"1 ", false, false},
		{"1\n", false, false},
		{"0x1F", false, false},
		{"1_000", false, false},
		{"1,5", false, false},
		{"NaN", false, false},
		{"Infinity", false, false},
		{"١", false, false}, // a digit, but not JSON's
	} {
		if got := fhirjson.IsInteger(tt.text); got != tt.integer {
			t.Errorf("IsInteger(%q) is %t", tt.text, got)
		}
		if got := fhirjson.IsDecimal(tt.text); got != tt.decimal {
			t.Errorf("IsDecimal(%q) is %t", tt.text, got)
		}
	}
}

func FuzzIsDecimal(f *testing.F) {
	f.Add("-1.5e-7")
	f.Add("01")
	f.Fuzz(func(t *testing.T, text string) {
		var number json.Number
		// Only numbers decode into a json.Number without quotes and white space.
		valid := json.Unmarshal([]byte(text), &number) == nil && number.String() == text && text != ""
		if got := fhirjson.IsDecimal(text); got != valid {
			t.Errorf("IsDecimal(%q) is %t", text, got)
		}
		if fhirjson.IsInteger(text) && !valid {
			t.Errorf("IsInteger(%q) is true", text)
		}
	})
}
