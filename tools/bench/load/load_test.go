// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serve starts a server whose answer is chosen by the path, and returns its address.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func request(path string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", path)
}

func odd(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/plain":
	case "/chunked":
		for range 3 {
			_, _ = fmt.Fprint(w, strings.Repeat("x", 20_000))
			_ = http.NewResponseController(w).Flush()
		}
		return
	case "/close":
		w.Header().Set("Connection", "close")
	case "/busy":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	case "/throttled":
		w.WriteHeader(http.StatusTooManyRequests)
	case "/wrong":
		w.WriteHeader(http.StatusInternalServerError)
	case "/short":
		w.Header().Set("Content-Length", "100")
	case "/nonsense":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1\r\n\r\n"))
			_ = conn.Close()
		}
		return
	case "/endless": // neither a length nor chunks
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\nhello"))
			_ = conn.Close()
		}
		return
	}
	_, _ = fmt.Fprint(w, "hello")
}

// Each kind of answer is counted as what it is, once for each request.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const calls = 40
	addr := serve(t, odd)
	for _, tt := range []struct {
		path                         string
		length                       int
		ok, refused, retry, failures int
		failure                      string
	}{
		{path: "/plain", ok: calls},
		{path: "/plain", length: 5, ok: calls},
		{path: "/plain", length: 6, failures: calls, failure: "the answer has 5 bytes, the right one 6"},
		{path: "/chunked", ok: calls},
		{path: "/close", length: 5, ok: calls},
		{path: "/busy", length: 77, refused: calls, retry: calls},
		{path: "/throttled", refused: calls},
		{path: "/wrong", failures: calls, failure: "status 500"},
		{path: "/short", failures: calls, failure: "read answer: EOF"},
		{path: "/nonsense", failures: calls, failure: "begins with"},
		{path: "/endless", failures: calls, failure: "neither a length nor chunks"},
	} {
		plan := Plan{Addr: addr, Connections: 4, Once: true}
		for range calls {
			plan.Requests, plan.Lengths = append(plan.Requests, request(tt.path)), append(plan.Lengths, tt.length)
		}
		got, err := Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.OK) != tt.ok || len(got.Refused) != tt.refused || got.RetryAfter != tt.retry || got.Failures != tt.failures {
			t.Errorf("%s: %d right, %d refused (%d told when), %d failures (%v)", tt.path, len(got.OK), len(got.Refused), got.RetryAfter, got.Failures, got.Failure)
		}
		if tt.failure != "" && (got.Failure == nil || !strings.Contains(got.Failure.Error(), tt.failure)) {
			t.Errorf("%s: failure %v, want %q", tt.path, got.Failure, tt.failure)
		}
	}
}

// Once shows each answer whole, to the one who looks, and remembers its length.
func TestLook(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		_, _ = fmt.Fprint(w, strings.Repeat("x", n))
	})
	plan := Plan{Addr: addr, Connections: 3, Once: true}
	for n := range 30 {
		plan.Requests = append(plan.Requests, request("/"+strconv.Itoa(n)))
	}
	plan.Look = func(n int, answer []byte) error {
		if body := strings.SplitN(string(answer), "\r\n\r\n", 2)[1]; len(body) != n {
			return fmt.Errorf("%d bytes for request %d", len(body), n)
		}
		return nil
	}
	got, err := Run(t.Context(), plan)
	if err != nil || got.Failures != 0 {
		t.Fatal(err, got.Failure)
	}
	for n, length := range got.Lengths {
		if length != n {
			t.Errorf("answer %d has %d bytes", n, length)
		}
	}
}

func TestClosedLoop(t *testing.T) {
	t.Parallel()
	addr := serve(t, odd)
	const lasts = 200 * time.Millisecond
	got, err := Run(t.Context(), Plan{Addr: addr, Requests: [][]byte{request("/plain")}, Connections: 2, Time: lasts})
	if err != nil || got.Failures != 0 || len(got.OK) < 10 || got.Statuses[http.StatusOK] != len(got.OK) {
		t.Errorf("%d right, %d failures (%v): %v", len(got.OK), got.Failures, got.Failure, err)
	}
	if got.Elapsed < lasts || got.Throughput() <= 0 {
		t.Errorf("took %v, %v/s", got.Elapsed, got.Throughput())
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Plan{Addr: "127.0.0.1:1", Requests: [][]byte{nil}, Connections: 1}); err == nil {
		t.Error("load without a server")
	}
	if _, err := Run(t.Context(), Plan{Addr: "127.0.0.1:1", Connections: 1}); err == nil {
		t.Error("load without requests")
	}
}
