// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/rest"
)

// audited calls an operation that does as told, and returns its audit record or nothing.
func audited(t *testing.T, do func(http.ResponseWriter) (int, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	log, metrics := slog.New(slog.DiscardHandler), obs.NewMetrics(obs.Build{})
	audit := obs.NewAudit(&out, log, metrics)
	handler, err := rest.New(rest.Options{
		Base: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}, MaxBody: maxBody, Now: time.Now,
		Auth: auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		Log:  log, Metrics: metrics, Audit: audit,
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
	if err := audit.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return out.Bytes()
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
		var got string
		if line := audited(t, row.do); len(line) > 0 {
			var record obs.AuditRecord
			if err := json.Unmarshal(line, &record); err != nil {
				t.Fatalf("%s: %v: %s", name, err, line)
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
