// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
	"reporting/internal/postgres/pgtest"
)

// hasMetric tells whether the operations listener shows a line.
func (i instance) hasMetric(t *testing.T, line string) bool {
	t.Helper()
	text := (target{base: i.ops}).do(t, request{method: "GET", path: "/metrics"}).body
	return strings.Contains("\n"+string(text), "\n"+line+"\n")
}

// later checks a refusal that asks the client to come back.
func (a answer) later(t *testing.T, status int, code models.IssueType, seconds string) {
	t.Helper()
	a.outcome(t, status, code)
	if got := a.header.Get("Retry-After"); got != seconds {
		t.Errorf("Retry-After %q, want %s", got, seconds)
	}
}

// A user who asks too often is told to wait; nobody else notices.
func TestUserRate(t *testing.T) {
	t.Parallel()
	const rate, window = 2, 5
	server := own(t, func(c *config.Config) { c.UserRate = rate })
	refused := 0
	for n := range 2 * rate * window {
		a := server.do(t, status("a"))
		switch a.status {
		case http.StatusOK:
			if refused > 0 {
				t.Errorf("request %d passed after %d were refused", n, refused)
			}
		default:
			refused++
			a.later(t, http.StatusTooManyRequests, models.IssueTypeThrottled, "5")
		}
		if a.header.Get("X-Ratelimit-Remaining") != "" {
			t.Errorf("headers of the library: %v", a.header)
		}
	}
	// A few may have passed because their second was over.
	if refused < rate*window-2*rate {
		t.Errorf("%d of %d requests were refused", refused, 2*rate*window)
	}
	if a := server.do(t, status("b")); a.status != http.StatusOK {
		t.Errorf("another user: %d", a.status)
	}
	// In the format that was asked for, but before anything is said about it.
	xml := server.do(t, status("a").with("Accept", "application/fhir+xml"))
	if xml.status != http.StatusTooManyRequests || !strings.HasPrefix(xml.header.Get("Content-Type"), "application/fhir+xml") {
		t.Errorf("%d %s", xml.status, xml.header.Get("Content-Type"))
	}
	if a := server.do(t, status("a").with("Accept", "image/png")); a.status != http.StatusTooManyRequests {
		t.Errorf("before negotiation: %d", a.status)
	}
	if want := fmt.Sprintf(`reporting_http_limited_total{limit="user_rate"} %d`, refused+2); !server.hasMetric(t, want) {
		t.Errorf("no %s", want)
	}
}

// Those that would be too many are told so at once, and not after a wait that
// everybody else pays for.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const most = 3
	server := own(t, func(c *config.Config) { c.MaxConcurrent = most })
	// Whoever reads the table now waits.
	conn := pgtest.Connect(t, server.db.Superuser)
	for _, sql := range []string{"begin", "lock table report_job in access exclusive mode"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var waiting sync.WaitGroup
	for range most {
		waiting.Go(func() {
			if a, err := send(server.build(t, status("u"))); err != nil || a.status != http.StatusOK {
				t.Errorf("one that was let in: %d %v", a.status, err)
			}
		})
	}
	waitFor(t, "the first calls", func() bool { return server.hasMetric(t, fmt.Sprintf("reporting_http_calls_in_flight %d", most)) })
	begin := time.Now()
	server.do(t, request{method: "POST", path: operation}).later(t, http.StatusServiceUnavailable, models.IssueTypeTransient, "1")
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the refusal took %s", took)
	}
	if a := server.do(t, request{method: "GET", path: "/metadata"}); a.status != http.StatusOK {
		t.Errorf("metadata: %d", a.status)
	}
	if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	for _, want := range []string{`reporting_http_limited_total{limit="concurrency"} 1`, "reporting_http_calls_in_flight 0"} {
		if !server.hasMetric(t, want) {
			t.Errorf("no %s", want)
		}
	}
}

// Few large bodies are in memory at a time; small ones, which is nearly all, are
// not held up by them.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	large := status("u")
	large.body = `{"resourceType":"Parameters"` + strings.Repeat(" ", 100_000) + `}`
	var slow []net.Conn
	for range 8 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(server.base, "/fhir"), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		// More than a little, but not all of it.
		_, err = fmt.Fprintf(conn, "POST /fhir%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			operation, token("u"), fhirJSON, len(large.body), large.body[:50_000])
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	waitFor(t, "the slow ones", func() bool { return server.do(t, large).status == http.StatusServiceUnavailable })
	server.do(t, large).later(t, http.StatusServiceUnavailable, models.IssueTypeTransient, "1")
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Errorf("a small body: %d %s", a.status, a.body)
	}
	for _, conn := range slow {
		if _, err := io.WriteString(conn, large.body[50_000:]); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK {
			t.Errorf("one that was let in: %d", res.StatusCode)
		}
	}
	if a := server.do(t, large); a.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

// A client that says nothing, or the beginning of something, does not keep its
// connection.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	for _, beginning := range []string{"", "POST /fhir" + operation + " HTTP/1.1\r\nHost: x\r\nAuthoriz"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(server.base, "/fhir"), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, beginning); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil || strings.Contains(string(text), "200 OK") {
			t.Errorf("after %q: %v, %q", beginning, err, text)
		}
	}
}
