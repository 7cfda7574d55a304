// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
)

// nowhere is a client that reads and keeps nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) WriteHeader(int)             {}
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkCall is a call with everything around it but the network and the database.
func BenchmarkCall(b *testing.B) {
	answer := []byte(strings.Repeat("x", 512))
	handler, err := httpapi.New(options(fhir.Operation{}, func(w http.ResponseWriter, r *httpapi.Request) (int, error) {
		a := httpapi.NewResponse(w, r)
		defer a.Release()
		a.Buffer = append(a.Buffer, answer...)
		return 1, a.End()
	}))
	if err != nil {
		b.Fatal(err)
	}
	for name, traceparent := range map[string]string{"no trace": "", "a trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodPost, "/fhir/$x", http.NoBody)
			r.Header.Set("Authorization", bearer())
			r.Header.Set("Content-Type", "application/fhir+json")
			if traceparent != "" {
				r.Header.Set("Traceparent", traceparent)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(`{"resourceType":"Parameters"}`))
				handler.ServeHTTP(nowhere{http.Header{}}, r)
			}
		})
	}
}
