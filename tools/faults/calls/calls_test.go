// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func entry(id, user, created string) string {
	return fmt.Sprintf(`{"resource":{"id":%q,"parameter":[{"name":"reportJob","part":[{"name":"userId","valueString":%q},{"name":"created","valueDateTime":%q}]}]}}`, id, user, created)
}

func bundle(entries ...string) string {
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
}

func TestExactly(t *testing.T) {
	t.Parallel()
	one, two := entry("1", "u", "2026-01-02"), entry("2", "u", "2026-01-01")
	right := Exactly("u", 2)
	if err := right([]byte(bundle(one, two))); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"a short list":         bundle(one),
		"a long list":          bundle(one, two, entry("3", "u", "2026-01-01")),
		"one twice":            bundle(one, one),
		"another user's":       bundle(one, entry("2", "v", "2026-01-01")),
		"the wrong order":      bundle(two, one),
		"no end":               bundle(one, two)[:100],
		"another kind of list": strings.Replace(bundle(one, two), "collection", "searchset", 1),
	} {
		if right([]byte(text)) == nil {
			t.Errorf("%s is taken for right", name)
		}
	}
}

// Every kind of answer is seen for what it is.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const refusal = `{"resourceType":"OperationOutcome","issue":[{"code":"transient","diagnostics":"later"}]}`
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"right": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, bundle()) }, "1 right"},
		"wrong": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, bundle(entry("1", "u", ""))) }, "0 right, 1 WRONG"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, refusal, http.StatusServiceUnavailable)
		}, "0 right, 1 × 503 transient"},
		"no outcome": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) }, "0 right, 1 WRONG"},
		"no answer":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "0 right, 1 broken"},
		"half a list": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, bundle()[:20])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "0 right, 1 broken"},
	} {
		server := httptest.NewServer(tt.answer)
		caller := Caller{Token: func() (string, error) { return "t", nil }, Right: Exactly("u", 0)}
		a := caller.call(t.Context(), server.Client(), server.Listener.Addr().String())
		server.Close()
		s := Summarize([]Answer{a}, time.Time{}, time.Now())
		if s.String() != tt.want || (s.LastBad.IsZero() != (name == "right")) {
			t.Errorf("%s: %s, last bad %v", name, s, s.LastBad)
		}
		if s.Delayed+s.Silent > 0 && (s.Delayed == 1) != (name == "refused") {
			t.Errorf("%s: %d say when to come back, %d do not", name, s.Delayed, s.Silent)
		}
	}
}

// A crowd notices that a service is ill, and that it is well again.
func TestCrowd(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			http.Error(w, "{}", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, bundle())
	}))
	defer server.Close()
	crowd, err := Start(t.Context(), Plan{
		Addr: server.Listener.Addr().String, Clients: 2, Every: 10 * time.Millisecond,
		Callers: []Caller{{Token: func() (string, error) { return "t", nil }, Right: Exactly("u", 0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Stop()
	if err := crowd.AwaitWell(t.Context(), 20*time.Second); err != nil {
		t.Error(err)
	}
	ill.Store(true)
	if err := crowd.AwaitWell(t.Context(), 2*time.Second); !errors.Is(err, errNotWell) {
		t.Errorf("a service that is ill: %v", err)
	}
	ill.Store(false)
	if err := crowd.AwaitWell(t.Context(), 20*time.Second); err != nil {
		t.Error(err)
	}
	if s := Summarize(crowd.Stop(), time.Time{}, time.Now()); s.Wrong == 0 || s.Right == 0 {
		t.Errorf("the crowd saw %s", s)
	}
	if _, err := Start(context.Background(), Plan{}); err == nil {
		t.Error("a crowd of nobody starts")
	}
}
