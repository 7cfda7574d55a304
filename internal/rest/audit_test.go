// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/rest"
)

// audited calls an operation that does as told, with an audit that writes to out.
func audited(t *testing.T, out io.Writer, do func(http.ResponseWriter) (int, error)) (status int, log, metrics string) {
	t.Helper()
	var lines bytes.Buffer
	figures := obs.NewMetrics(obs.Build{})
	handler, err := rest.New(rest.Options{
		Base: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}, MaxBody: maxBody, Now: time.Now,
		Auth: auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		Log:  slog.New(slog.NewJSONHandler(&lines, nil)), Metrics: figures, Audit: obs.NewAudit(out),
		Draining: func() bool { return false },
		Operations: []rest.Operation{{
			Operation: fhir.Operation{Name: "x"},
			Serve:     func(w http.ResponseWriter, _ *http.Request, _ rest.Call) (int, error) { return do(w) },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := post("", "")
	r.Header.Set("Authorization", "Bearer "+auth.UnsignedToken(auth.Principal{UserID: "u"}, time.Time{}))
	w := httptest.NewRecorder()
	func() {
		defer func() { _ = recover() }() // an answer that breaks off breaks the connection
		handler.ServeHTTP(w, r)
	}()
	scraped := httptest.NewRecorder()
	obs.Handler(figures, obs.NewReadiness(slog.New(slog.DiscardHandler))).
		ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return w.Code, lines.String(), scraped.Body.String()
}

func TestAuditTellsHowItEnded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do   func(http.ResponseWriter) (int, error)
		want string // the record's count and complete, or nothing
	}{
		"whole":              {func(w http.ResponseWriter) (int, error) { return 3, fine(w) }, `3 true`},
		"nothing to show":    {func(w http.ResponseWriter) (int, error) { return 0, fine(w) }, `0 true`},
		"failed before":      {func(http.ResponseWriter) (int, error) { return 3, errors.New("x") }, ``},
		"failed in between":  {func(w http.ResponseWriter) (int, error) { _ = fine(w); return 3, errors.New("x") }, `3 false`},
		"panicked before":    {func(http.ResponseWriter) (int, error) { panic("x") }, ``},
		"panicked afterward": {func(w http.ResponseWriter) (int, error) { _ = fine(w); panic("x") }, `unknown false`},
	} {
		var out bytes.Buffer
		audited(t, &out, row.do)
		var got string
		if out.Len() > 0 {
			var record obs.AuditRecord
			if err := json.Unmarshal(out.Bytes(), &record); err != nil {
				t.Fatalf("%s: %v: %s", name, err, &out)
			}
			count := "unknown"
			if record.Count != nil {
				count = strconv.Itoa(*record.Count)
			}
			got = count + " " + strconv.FormatBool(record.Complete)
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A record that cannot be written is an error that somebody hears of.
func TestAuditThatFails(t *testing.T) {
	t.Parallel()
	status, log, metrics := audited(t, full{}, func(w http.ResponseWriter) (int, error) { return 1, fine(w) })
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "no space left") {
		t.Errorf("the log is silent: %s", log)
	}
	if !strings.Contains(metrics, "reporting_audit_failures_total 1\n") {
		t.Error("the metrics are silent")
	}
}
