// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

const maxBody = 1000

// options are those of an API with an operation $x that does as told.
func options(operation fhir.Operation, serve func(http.ResponseWriter, *httpapi.Request) (int, error)) httpapi.Options {
	operation.Name = "x"
	return httpapi.Options{
		Base: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}, MaxBody: maxBody, Now: time.Now,
		Auth:    auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		Log:     slog.New(slog.DiscardHandler),
		Metrics: telemetry.NewMetrics(telemetry.Build{}), Draining: func() bool { return false },
		Operations: []httpapi.Operation{{
			Operation: operation,
			Endpoint: httpapi.Endpoint{
				Serve: serve,
			},
		}},
	}
}

// bearer is the Authorization of a user whom the options let in.
func bearer() string {
	return "Bearer " + auth.UnsignedToken(auth.Principal{UserID: "u"}, time.Time{})
}

// serve answers one request with an operation $x that does as told.
func serve(t *testing.T, operation fhir.Operation, do func(http.ResponseWriter) error, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := httpapi.New(options(operation, func(w http.ResponseWriter, _ *httpapi.Request) (int, error) { return 0, do(w) }))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", bearer())
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func fine(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

func post(body, contentType string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/fhir/$x", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestBodies(t *testing.T) {
	t.Parallel()
	const json = "application/fhir+json"
	for _, tt := range []struct {
		body, contentType string
		want              int
	}{
		{`{"resourceType":"Parameters"}`, json, 200},
		{`{"resourceType":"Parameters"}`, json + "; charset=UTF-8", 200},
		{`{"resourceType":"Parameters"}`, "application/json+fhir", 200}, // the name before FHIR R4
		{`{"resourceType":"Parameters"}`, "", 200},
		{"", "", 200},
		{"", "application/x-www-form-urlencoded", 200}, // what some clients send with nothing
		{" \n", json, 200},
		{`{"resourceType":"Parameters"`, json, 400},
		{`{"resourceType":"Parameters"}}`, json, 400},
		{`{"resourceType":"Bundle"}`, json, 400},
		{`{"resourceType":7}`, json, 400},
		{`{}`, json, 400},
		{`[]`, json, 400},
		{`null`, json, 400},
		{`"Parameters"`, json, 400},
		{`x`, "", 415},
		{`{"resourceType":"Parameters"}`, "text/plain", 415},
		{`{"resourceType":"Parameters"}`, "application/x-www-form-urlencoded", 415},
		{`{"resourceType":"Parameters"}`, json + "; charset=ISO-8859-1", 415},
		{`<Parameters/>`, "application/fhir+xml", 400}, // no namespace
		{`<Parameters xmlns="http://hl7.org/fhir"/>`, "application/fhir+xml", 200},
		{`{"resourceType":"Parameters","x":"` + strings.Repeat("x", maxBody) + `"}`, json, 413},
	} {
		if w := serve(t, fhir.Operation{}, fine, post(tt.body, tt.contentType)); w.Code != tt.want {
			t.Errorf("%.40q as %q: %d, want %d: %s", tt.body, tt.contentType, w.Code, tt.want, w.Body)
		} else if w.Code == 415 && w.Header().Get("Accept-Post") == "" {
			t.Errorf("%.40q as %q: no Accept-Post", tt.body, tt.contentType)
		}
	}
}

// An operation that changes something is never run by a link or a crawler.
func TestOperationThatAffectsState(t *testing.T) {
	t.Parallel()
	operation := fhir.Operation{AffectsState: true}
	w := serve(t, operation, fine, httptest.NewRequest(http.MethodGet, "/fhir/$x", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST, OPTIONS" {
		t.Errorf("GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w = serve(t, operation, fine, post("", "")); w.Code != http.StatusOK {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestErrorsBecomeOutcomes(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret words")
	for _, tt := range []struct {
		err   error
		want  int
		code  models.IssueType
		retry string
	}{
		{secret, 500, models.IssueTypeException, ""},
		{&report.Error{Kind: report.Internal, Cause: secret}, 500, models.IssueTypeException, ""},
		{&report.Error{Kind: report.Unavailable, Cause: secret}, 503, models.IssueTypeTransient, "1"},
		{&report.Error{Kind: report.Timeout, Cause: secret}, 503, models.IssueTypeTimeout, "5"},
		{&auth.Error{Kind: auth.KeysUnavailable}, 503, models.IssueTypeTransient, "1"},
		{&httpapi.Problem{Status: 422, Issues: []fhir.Issue{{Code: models.IssueTypeBusinessRule, Diagnostics: "no"}}, Cause: secret}, 422, models.IssueTypeBusinessRule, ""},
	} {
		w := serve(t, fhir.Operation{}, func(http.ResponseWriter) error { return tt.err }, post("", ""))
		outcome, err := models.UnmarshalOperationOutcome(w.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != tt.want || outcome.Issue[0].Code != tt.code || w.Header().Get("Retry-After") != tt.retry {
			t.Errorf("%v: %d %s Retry-After %q", tt.err, w.Code, outcome.Issue[0].Code.Code(), w.Header().Get("Retry-After"))
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: shows its cause: %s", tt.err, w.Body)
		}
	}
}

// After the first byte an error can only break the connection.
func TestErrorAfterFirstByteAborts(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(http.ResponseWriter) error{
		"error": func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "begun")
			return errors.New("x")
		},
		"panic": func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "begun")
			panic("x")
		},
	} {
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // by identity, as net/http
					t.Errorf("%s: recovered %v, want http.ErrAbortHandler", name, p)
				}
			}()
			serve(t, fhir.Operation{}, do, post("", ""))
		}()
	}
}
