// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"testing"

	"reporting/internal/fhir"
)

// What is made beforehand is what would have been made.
func TestBusyOutcome(t *testing.T) {
	t.Parallel()
	for _, style := range []fhir.Style{{}, {Pretty: true}, {Format: fhir.XML}, {Format: fhir.XML, Pretty: true}} {
		for _, id := range []string{"a", "00000000-0000-0000-0000-000000000000", ""} {
			want, err := fhir.Marshal(fhir.Outcome(id, busy().Issues...), style)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := outcome(id, busy(), style); err != nil || string(got) != string(want) {
					t.Errorf("%v, id %q: %v\n%s\n%s", style, id, err, got, want)
				}
			}
		}
	}
}
