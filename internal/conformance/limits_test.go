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

// isRetriedAfter checks a rejected request with this Retry-After.
func (a response) isRetriedAfter(t *testing.T, status int, code models.IssueType, seconds string) {
	t.Helper()
	a.isOutcome(t, status, code)
	if got := a.header.Get("Retry-After"); got != seconds {
		t.Errorf("got Retry-After %q, want %s", got, seconds)
	}
}

// A user above the rate gets 429; another user does not.
func TestUserRateLimit(t *testing.T) {
	t.Parallel()
	const rate, window = 2, 5
	server := own(t, func(c *config.Config) { c.UserRate = rate })
	begin, passed, rejected := time.Now(), 0, 0
	ask := func(r request) response {
		a := server.do(t, r)
		if a.status == http.StatusOK {
			passed++
		} else {
			rejected++
		}
		if a.header.Get("X-Ratelimit-Remaining") != "" {
			t.Errorf("got headers %v, want none of the rate limit library", a.header)
		}
		return a
	}
	// until makes requests until one is rejected: the window may move at any moment.
	until := func(r request) response {
		for range 10 * rate * window {
			if a := ask(r); a.status != http.StatusOK {
				return a
			}
		}
		t.Fatal("got no 429")
		return response{}
	}
	until(status("a")).isRetriedAfter(t, http.StatusTooManyRequests, models.IssueTypeThrottled, "5")
	if passed < rate*window {
		t.Errorf("got %d requests accepted, want at least %d", passed, rate*window)
	}
	if a := server.do(t, status("b")); a.status != http.StatusOK {
		t.Errorf("another user: got status %d", a.status)
	}
	// The response has the requested format; the limit is checked before the format.
	xml := until(status("a").with("Accept", "application/fhir+xml"))
	if xml.status != http.StatusTooManyRequests || !strings.HasPrefix(xml.header.Get("Content-Type"), "application/fhir+xml") {
		t.Errorf("got status %d: %s", xml.status, xml.header.Get("Content-Type"))
	}
	until(status("a"))
	if a := ask(status("a").with("Accept", "image/png")); a.status != http.StatusTooManyRequests && a.status != http.StatusNotAcceptable {
		t.Errorf("another format: got status %d", a.status)
	}
	if most := rate * (window + int(time.Since(begin)/time.Second) + 1); passed > most+rate {
		t.Errorf("got %d requests accepted, want at most %d", passed, most+rate)
	}
	server.hasCount(t, `reporting_http_rejected_total{limit="user_rate"}`, 1)
}

// A request above the concurrency limit is rejected at once, without waiting.
func TestConcurrencyLimit(t *testing.T) {
	t.Parallel()
	const most = 3
	server := own(t, func(c *config.Config) { c.MaxConcurrent = most })
	// Every query of the table waits.
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
				t.Errorf("accepted request: got status %d, %v; want 200", a.status, err)
			}
		})
	}
	waitFor(t, "the first calls", func() bool { return server.hasMetric(t, fmt.Sprintf("reporting_http_calls_in_flight %d", most)) })
	begin := time.Now()
	server.do(t, status("v")).isRetriedAfter(t, http.StatusServiceUnavailable, models.IssueTypeTransient, "1")
	if took := time.Since(begin); took > time.Second {
		t.Errorf("got the rejection after %s, want it within 1 s", took)
	}
	if a := server.do(t, request{method: "GET", path: "/metadata"}); a.status != http.StatusOK {
		t.Errorf("metadata: got status %d", a.status)
	}
	// Requests without a token get 401 and use no slot.
	server.do(t, request{method: "POST", path: operation}).isUnauthorized(t, models.IssueTypeLogin, false)
	if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Errorf("afterwards: got status %d, %s", a.status, a.body)
	}
	for _, want := range []string{`reporting_http_rejected_total{limit="concurrency"} 1`, "reporting_http_calls_in_flight 0"} {
		if !server.hasMetric(t, want) {
			t.Errorf("got no %s", want)
		}
	}
}

// Eight large bodies may be in memory at a time; small bodies are not limited.
func TestLargeBodyLimit(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	large := status("u")
	large.body = `{"resourceType":"Parameters"` + strings.Repeat(" ", 100_000) + `}`
	var slow []net.Conn
	for n := range 8 {
		conn := server.dial(t)
		// Half of each body, from two users.
		_, err := fmt.Fprintf(conn, "POST /fhir%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			operation, token(fmt.Sprint("u", n%2)), fhirJSON, len(large.body), large.body[:50_000])
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	waitFor(t, "the slow ones", func() bool { return server.hasMetric(t, "reporting_http_large_bodies_in_flight 8") })
	server.do(t, large).isRetriedAfter(t, http.StatusServiceUnavailable, models.IssueTypeTransient, "1")
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Errorf("a small body: got status %d, %s", a.status, a.body)
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
			t.Errorf("accepted body: got status %d, want 200", res.StatusCode)
		}
	}
	if a := server.do(t, large); a.status != http.StatusOK {
		t.Errorf("afterwards: got status %d, %s", a.status, a.body)
	}
}

// A large body that stops arriving releases its slot after nine seconds.
func TestStalledLargeBodyReleasesItsSlot(t *testing.T) {
	t.Parallel()
	withSyntheticTime(t, func(server synthetic) {
		t := server.t
		response, took := endOf(t, server.dial(), fmt.Sprintf("POST /fhir%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n%50000s",
			operation, token("u"), fhirJSON, ""), 15*time.Second)
		if got := statusOf(t, response); got != http.StatusRequestTimeout || took > 12*time.Second {
			t.Errorf("got status %d after %s, want 408 after 9 s", got, took)
		}
		if !strings.Contains(server.scrape(), "\nreporting_http_large_bodies_in_flight 0\n") {
			t.Error("the body keeps its slot")
		}
	})
}
