// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reporting/internal/telemetry"
)

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics(telemetry.Build{Version: "1.2.3", Commit: "abc"})
	m.RegisterLoad(func() float64 { return 6 }, func() float64 { return 2 }, func() float64 { return 3 })
	m.SetMaxConnections(4096)
	m.ObserveToken(telemetry.TokenExpired)
	m.ObserveLimited(telemetry.LimitUserRate)
	m.ObserveRequest("x", "POST", 200, 3*time.Millisecond, "")
	m.ObserveRequest("x", "POST", 204, 3*time.Millisecond, "")
	m.ObserveRequest("x", "GET", 499, time.Second, "")                            // a client that went away did nothing wrong
	m.ObserveRequest("x", telemetry.MethodOf("MADE-UP-BY-CLIENT"), 405, 0, "")    // a client cannot create label values
	m.ObserveRequest("x", telemetry.MethodOf("ANOTHER"), 405, 10*time.Second, "") // the same one
	text := get(t, telemetry.Handler(m, telemetry.NewReadiness(slog.New(slog.DiscardHandler))), "/metrics").Body.String()
	for _, want := range []string{
		`reporting_http_requests_total{method="POST",operation="x",status="2xx"} 2`,
		`reporting_http_requests_total{method="GET",operation="x",status="499"} 1`,
		`reporting_http_requests_total{method="other",operation="x",status="4xx"} 2`,
		`reporting_http_request_duration_seconds_bucket{method="POST",operation="x",le="0.005"} 2`,
		`reporting_build_info{commit="abc",version="1.2.3"} 1`,
		`reporting_auth_tokens_total{result="expired"} 1`,
		`reporting_http_max_connections 4096`,
		`reporting_http_calls_in_flight 6`,
		`reporting_http_large_bodies_in_flight 2`,
		`reporting_http_streams_in_flight 3`,
		`reporting_auth_tokens_total{result="invalid"} 0`,
		`reporting_http_rejected_total{limit="user_rate"} 1`,
		`reporting_http_rejected_total{limit="large_bodies"} 0`,
		`reporting_audit_failures_total 0`,
		`go_goroutines`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestPseudonyms(t *testing.T) {
	t.Parallel()
	one, same, other := telemetry.NewPseudonyms("k"), telemetry.NewPseudonyms("k"), telemetry.NewPseudonyms("another")
	// HMAC-SHA-256 of "u" under "k", computed elsewhere.
	if got := one.Of("u"); got != "b841e0889970cfa4" || got != same.Of("u") {
		t.Errorf("%s, then %s", got, same.Of("u"))
	}
	if one.Of("u") == one.Of("v") || one.Of("u") == other.Of("u") {
		t.Error("two are one")
	}
	// A random key has other pseudonyms in each process.
	if first, second := telemetry.NewPseudonyms(""), telemetry.NewPseudonyms(""); first.Of("u") == second.Of("u") {
		t.Error("the made-up key is always the same")
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var fault error
	var log bytes.Buffer
	r := telemetry.NewReadiness(telemetry.NewLogger(&log, slog.LevelInfo, telemetry.Text),
		telemetry.Check{Name: "database", Run: func(context.Context) error { return fault }},
		telemetry.Check{Name: "keys", Run: func(context.Context) error { return nil }},
	)
	handler := telemetry.Handler(telemetry.NewMetrics(telemetry.Build{}), r)
	if w := get(t, handler, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("well: %d %s", w.Code, w.Body)
	}
	if log.Len() > 0 {
		t.Errorf("logs that all is well: %s", &log)
	}
	fault = errors.New("it is away")
	for range 3 {
		get(t, handler, "/readyz")
	}
	if strings.Count(log.String(), "it is away") != 1 { // once, however often it is probed
		t.Errorf("log: %s", &log)
	}
	w := get(t, handler, "/readyz")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `{"name":"database","ok":false,"reason":"it is away"},{"name":"keys","ok":true}`) {
		t.Errorf("away: %d %s", w.Code, w.Body)
	}
	if w := get(t, handler, "/livez"); w.Code != http.StatusOK { // a restart would not bring the database back
		t.Errorf("alive without a database: %d", w.Code)
	}
	fault = nil
	get(t, handler, "/readyz")
	if !strings.Contains(log.String(), "passes again") {
		t.Errorf("log: %s", &log)
	}
	r.Drain()
	if w := get(t, handler, "/readyz"); w.Code != http.StatusServiceUnavailable || !r.Draining() {
		t.Errorf("draining: %d %s", w.Code, w.Body)
	}
}

func TestLogFormats(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.NewLogger(&out, slog.LevelWarn, telemetry.JSON).Info("unheard")
	if out.Len() > 0 {
		t.Errorf("below the level: %s", &out)
	}
	telemetry.NewLogger(&out, slog.LevelInfo, telemetry.JSON).Info("heard", "n", 1)
	if !json.Valid(out.Bytes()) {
		t.Errorf("not JSON: %s", &out)
	}
	out.Reset()
	telemetry.NewLogger(&out, slog.LevelInfo, telemetry.Text).Info("heard", "n", 1)
	if !strings.Contains(out.String(), "msg=heard n=1") {
		t.Errorf("not text: %s", &out)
	}
}

// Profiles contain no arguments and no environment of the process.
func TestProfiles(t *testing.T) {
	t.Parallel()
	handler := telemetry.Handler(telemetry.NewMetrics(telemetry.Build{}), telemetry.NewReadiness(slog.New(slog.DiscardHandler)))
	for path, want := range map[string]int{
		"heap": http.StatusOK, "allocs": http.StatusOK, "goroutine": http.StatusOK,
		"profile?seconds=1": http.StatusOK, "trace?seconds=0.1": http.StatusOK,
		"cmdline": http.StatusNotFound, "": http.StatusNotFound, "symbol": http.StatusNotFound,
	} {
		recorder := get(t, handler, "/debug/pprof/"+path)
		if recorder.Code != want || want == http.StatusOK && recorder.Body.Len() == 0 {
			t.Errorf("%q: %d with %d bytes", path, recorder.Code, recorder.Body.Len())
		}
	}
}
