// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"context"
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
)

// One user cannot occupy the database connections: neither with responses that the
// client does not read, nor with request bodies that do not arrive.
func TestUserWithManyCallsLeavesConnectionsToOthers(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 60,000 jobs")
	for name, more := range map[string]string{
		"responses that are not read":    "",
		"a body of GET that never comes": "Content-Length: 200000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, greedy := own(t, nil), newUser()
			server.occupySlots(t, greedy, 12, more) // more than there are database connections on two processors
			for range 5 {
				begin := time.Now()
				if a := server.do(t, status(newUser())); a.status != http.StatusOK || time.Since(begin) > time.Second {
					t.Errorf("another user: got status %d after %s, want 200 within 1 s", a.status, time.Since(begin))
				}
			}
			server.do(t, status(greedy)).isRetriedAfter(t, http.StatusTooManyRequests, models.IssueTypeThrottled, "1")
			server.hasCount(t, `reporting_http_rejected_total{limit="user_calls"}`, 9)
		})
	}
}

// occupySlots makes requests of one user and does not read the responses. more are
// further headers. Four of the requests stay in progress.
func (i instance) occupySlots(t *testing.T, user string, calls int, more string) {
	t.Helper()
	insertJobs(t, i, user, 30_000) // ten megabytes, more than the buffers of a connection hold
	for range calls {
		conn := i.dial(t)
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET /fhir%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n", operation, token(user), more); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the calls", func() bool { return i.hasMetric(t, "reporting_http_streams_in_flight 4") })
}

// Requests that wait for a slot of their user do not count against the limit of all
// requests in progress, and few may wait.
func TestWaitingCallsUseNoSlots(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 30,000 jobs")
	server, user := own(t, func(c *config.Config) { c.MaxConcurrent = 5 }), newUser()
	server.occupySlots(t, user, 4, "")
	var waiting sync.WaitGroup
	begin := time.Now()
	for range 30 {
		waiting.Go(func() {
			if a, err := send(server.build(t, status(user))); err != nil || a.status != http.StatusTooManyRequests {
				t.Errorf("further request of the user: got status %d, %v; want 429", a.status, err)
			}
		})
	}
	for time.Since(begin) < time.Second {
		if a := server.do(t, status("another user")); a.status != http.StatusOK {
			t.Errorf("another user: got status %d, %s; want 200", a.status, a.body)
		}
	}
	waiting.Wait()
	server.hasCount(t, `reporting_http_rejected_total{limit="user_calls"}`, 30)
	if !server.hasMetric(t, `reporting_http_rejected_total{limit="concurrency"} 0`) {
		t.Error("got requests above the concurrency limit, want none")
	}
}

// A client that disconnects while it waits for a slot counts as 499 and not as rejected.
func TestClientThatLeavesTheQueueIsNotRejected(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 30,000 jobs")
	server, user := own(t, nil), newUser()
	server.occupySlots(t, user, 4, "")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	// With GET: net/http notices a disconnect only after the body has been read.
	if a, err := send(server.build(t, request{method: "GET", path: operation, user: user}).WithContext(ctx)); err == nil {
		t.Errorf("got status %d, want a cancelled request", a.status)
	}
	server.hasCount(t, `reporting_http_requests_total{method="GET",operation="get-report-job-status",status="499"}`, 1)
	if !server.hasMetric(t, `reporting_http_rejected_total{limit="user_calls"} 0`) {
		t.Error("got the request counted as rejected, want it counted as 499 only")
	}
}

// A request body that a GET announces and does not send delays no long response, which
// would occupy a database connection.
func TestUnreadBodyOfGetDelaysNothing(t *testing.T) {
	t.Parallel()
	server, user := own(t, nil), newUser()
	insertJobs(t, server, user, 1000)
	conn := server.dial(t)
	_, err := fmt.Fprintf(conn, "GET /fhir%s?_count=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 200000\r\n\r\n", operation, token(user))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil { // net/http alone waits for twenty
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %s, %v; want 200 and the whole body", res.Status, err)
	}
}

// Ten concurrent requests of one user succeed: they wait for slots.
func TestConcurrentCallsOfOneUserTakeTurns(t *testing.T) {
	t.Parallel()
	server, user := own(t, nil), newUser()
	server.load(t, doneJob(user, noon))
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if a, err := send(server.build(t, status(user))); err != nil || a.status != http.StatusOK {
				t.Errorf("got status %d, %v: %s", a.status, err, a.body)
			}
		})
	}
	calls.Wait()
}

// A request with thousands of headers is rejected, because headers take much memory.
func TestTooManyHeadersAre431(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	conn := server.dial(t)
	var headers strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&headers, "%x:\r\n", n%500)
	}
	if _, err := fmt.Fprintf(conn, "POST /fhir/OperationDefinition/_search HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100\r\n\r\n", &headers); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !res.Close {
		t.Errorf("got %s, close %t; want 431 and the end of the connection", res.Status, res.Close)
	}
}

// Connections above the limit wait until another one ends.
func TestConnectionsAboveTheLimitWait(t *testing.T) {
	t.Parallel()
	slow(t, "waits for connections")
	const most = 2
	server := own(t, func(c *config.Config) { c.MaxConnections = most })
	var open []net.Conn
	for range most {
		open = append(open, server.dial(t))
	}
	waitFor(t, "the connections", func() bool { return server.hasMetric(t, fmt.Sprintf("reporting_http_connections %d", most)) })
	late := server.dial(t)
	if _, err := io.WriteString(late, "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := late.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := late.Read(make([]byte, 1)); err == nil {
		t.Errorf("got %d bytes on a connection above the limit, want none", n)
	}
	_ = open[0].Close()
	if err := late.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("after another connection ended: got %v, want status 200", err)
	}
}

// A client that sends nothing, or only the beginning of its headers, does not keep
// its connection.
func TestSlowHeadersEndTheConnection(t *testing.T) {
	t.Parallel()
	withSyntheticTime(t, func(server synthetic) {
		t := server.t
		for _, beginning := range []string{"", "POST /fhir" + operation + " HTTP/1.1\r\nHost: x\r\nAuthoriz"} {
			response, took := endOf(t, server.dial(), beginning, 20*time.Second)
			if strings.Contains(response, "200 OK") || took > 6*time.Second {
				t.Errorf("after %q: got %q after %s, want the end of the connection within 5 s", beginning, response, took)
			}
		}
	})
}
