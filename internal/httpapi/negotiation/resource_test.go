// SPDX-License-Identifier: Apache-2.0

package negotiation_test

import (
	"net/url"
	"strings"
	"testing"

	"reporting/internal/httpapi/negotiation"
)

// A client that names one of our formats wants the resource, every other client the bytes
// (FHIR R4 binary.html).
func TestResource(t *testing.T) {
	t.Parallel()
	const archive = "application/gzip-json"
	for _, tt := range []struct {
		accept string // lines, split at |
		query  string
		kind   string
		want   bool
	}{
		{"", "", archive, false},
		{"*/*", "", archive, false},
		{"application/*", "", archive, false},
		{"application/fhir+json", "", archive, true},
		{"application/fhir+xml", "", archive, true},
		{"application/json", "", archive, true},
		{"text/xml", "", archive, true},
		{"application/json+fhir", "", archive, true},
		{"APPLICATION/FHIR+JSON; charset=utf-8", "", archive, true},
		{"application/fhir+json;q=1.0, application/json+fhir;q=0.9", "", archive, true}, // HAPI
		{"application/fhir+json, */*;q=0.5", "", archive, true},
		{"application/fhir+json, */*", "", archive, true}, // they weigh the same: the name decides
		{"*/*|application/fhir+json", "", archive, true},
		{"application/fhir+json;q=0.5, application/gzip-json", "", archive, false},
		{"application/gzip-json, application/fhir+json", "", archive, true},
		{"application/gzip-json", "", archive, false},
		{"application/octet-stream", "", archive, false},
		{"application/fhir+json;q=0", "", archive, false},
		{"application/fhir+json;fhirVersion=4.0", "", archive, true},
		{"application/fhir+json;fhirVersion=3.0", "", archive, false},
		{"application/json", "", "application/json", true}, // a Binary that holds JSON: as the standard has it
		{"application/fhir+json;q=0.1, text/plain", "", "text/plain", false},
		{"nonsense", "", archive, false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", archive, false}, // a browser saves the file
		{"", "_format=json", archive, true},
		{"*/*", "_format=xml", archive, true},
		{"application/gzip-json", "_format=application/fhir%2Bjson", archive, true},
		{"application/gzip-json", "_format=zip", archive, true}, // and is told that there is none
		{"application/gzip-json", "_format=", archive, false},
		{"application/gzip-json", "_pretty=true", archive, false},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		if tt.accept != "" {
			lines = strings.Split(tt.accept, "|")
		}
		if got := negotiation.Resource(lines, query, tt.kind); got != tt.want {
			t.Errorf("Accept %q, %q for %s: resource %v, want %v", tt.accept, tt.query, tt.kind, got, tt.want)
		}
	}
}

func TestAsync(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]bool{
		"":                                false,
		"respond-async":                   true,
		"Respond-Async":                   true,
		" respond-async ":                 true,
		"respond-async; x=y":              true,
		"respond-async, wait=10":          true,
		"handling=strict, respond-async":  true,
		"handling=strict|respond-async":   true,
		"return=minimal":                  false,
		"respond-asynchronously":          false,
		`x="respond-async"`:               false,
		`x="a, respond-async"`:            false,
		"x; respond-async":                false, // a parameter of x
		"respond-async=false":             true,  // has no value, by the standard
		"return=minimal,,respond-async,x": true,
	} {
		if got := negotiation.Async(strings.Split(prefer, "|")); got != want {
			t.Errorf("Prefer %q: %v, want %v", prefer, got, want)
		}
	}
}
