// SPDX-License-Identifier: Apache-2.0

package negotiation_test

import (
	"net/url"
	"testing"

	"reporting/internal/httpapi/negotiation"
)

// BenchmarkChoose is what it costs to find out how to answer: for a client that says
// plainly what it wants, for HAPI's list, and for a browser.
//
//	go test ./internal/rest/negotiation -run '^$' -bench . -count 10 | benchstat -
func BenchmarkChoose(b *testing.B) {
	for name, accept := range map[string]string{
		"plain":   "application/fhir+json",
		"hapi":    "application/fhir+json;q=1.0, application/json+fhir;q=0.9",
		"browser": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	} {
		b.Run("accept="+name, func(b *testing.B) {
			b.ReportAllocs()
			header := []string{accept}
			for b.Loop() {
				if _, err := negotiation.Choose(header, url.Values(nil)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
