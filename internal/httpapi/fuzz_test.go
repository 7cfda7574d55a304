// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
)

var soundID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// FuzzHeaders looks for headers that make the service fail, that replace a token, or that a
// response contains.
func FuzzHeaders(f *testing.F) {
	token := bearer()
	for _, authorization := range []string{
		token, token + "\n" + token, token + ", " + token, "bearer  " + token[7:], "Basic x", "", "\n", token[:40], "Bearer a.b.c", strings.Repeat("Bearer ", 99),
	} {
		f.Add(authorization, "*/*", "application/fhir+json", "", "id-1", "https://portal.example", "/fhir/$x")
	}
	f.Add(token, "application/fhir+xml;q=0.5\n*/*;q=0", `text/json; charset="utf-8"`, "gzip", "a b", "null", "/fhir/%24x?_format=xml&_pretty=true")
	f.Add(token, "application/fhir+json; fhirVersion=4.0", "image/png", "gzip, br", "${jndi:x}", "*", "/fhir//$x/?status=DONE;x=%zz")
	var called bool
	o := options(fhir.Operation{}, func(w http.ResponseWriter, r *httpapi.Request) (int, error) {
		called = r.Caller.UserID != ""
		return 0, fine(w)
	})
	o.CORSOrigins = []string{"https://portal.example"}
	handler, err := httpapi.New(o)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, authorization, accept, contentType, encoding, id, origin, target string) {
		address, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return // no request has such an address
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"resourceType":"Parameters"}`))
		r.URL, r.RequestURI = address, target
		for name, text := range map[string]string{
			"Authorization": authorization, "Accept": accept, "Content-Type": contentType, "Content-Encoding": encoding,
			"X-Request-Id": id, "Origin": origin, "Prefer": accept, "Traceparent": id, "If-None-Match": id, "Accept-Encoding": encoding,
		} {
			for value := range strings.SplitSeq(text, "\n") { // several lines, several headers
				r.Header.Add(name, value)
			}
		}
		called = false
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if called && !strings.HasPrefix(strings.ToLower(authorization), "bearer ") {
			t.Fatalf("let in with %q", authorization)
		}
		if called != (w.Code == http.StatusOK) && strings.HasSuffix(address.Path, "$x") {
			t.Fatalf("called %v, status %d", called, w.Code)
		}
		if got := w.Header().Values("X-Request-Id"); len(got) != 1 || !soundID.MatchString(got[0]) || got[0] != id && len(got[0]) != 36 {
			t.Fatalf("id %q became %q", id, got)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" && !strings.EqualFold(got, "https://portal.example") {
			t.Fatalf("origin %q", got)
		}
		for name, values := range w.Header() {
			for _, value := range values {
				if strings.ContainsAny(name+value, "\r\n\x00") {
					t.Fatalf("header %q: %q", name, value)
				}
			}
		}
		if w.Code >= http.StatusBadRequest && strings.Contains(w.Header().Get("Content-Type"), "json") {
			if _, err := models.UnmarshalOperationOutcome(w.Body.Bytes()); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
		}
	})
}
