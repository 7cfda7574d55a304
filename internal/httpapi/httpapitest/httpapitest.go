// SPDX-License-Identifier: Apache-2.0

// Package httpapitest serves requests to endpoints without a network and a database. It knows
// no endpoint. Only tests of the endpoints import it.
package httpapitest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/httpapi"
	"reporting/internal/telemetry"
)

// Base is the public base URL of the API.
const Base = "http://reporting.example.org/fhir"

// Now is the time of the API's clock.
func Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// New returns an API with these operations and routes, which accepts unsigned tokens.
func New(t testing.TB, operations []httpapi.Operation, routes []httpapi.Route) http.Handler {
	t.Helper()
	base, err := url.Parse(Base)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := httpapi.New(httpapi.Options{
		Base: base, MaxBody: 1 << 20, Now: time.Now, Operations: operations, Routes: routes,
		Auth: auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		Log:  slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics(telemetry.Build{}), Draining: func() bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// Request is a request of a test.
type Request struct {
	Method, Path string            // below the base URL
	Caller       auth.Principal    // without a UserID: no token
	Header       map[string]string // nil: none
	Body         string
}

// NewRequest returns the request for a handler.
func NewRequest(request Request) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), request.Method, "/fhir"+request.Path, strings.NewReader(request.Body))
	if request.Body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	if request.Caller.UserID != "" {
		r.Header.Set("Authorization", "Bearer "+auth.UnsignedToken(request.Caller, time.Time{}))
	}
	for name, value := range request.Header {
		r.Header.Set(name, value)
	}
	return r
}

// Do serves a request.
func Do(handler http.Handler, request Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, NewRequest(request))
	return w
}
