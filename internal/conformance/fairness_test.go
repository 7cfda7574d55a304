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

// One user cannot keep the database from others: not with answers that are not read,
// and not with bodies that do not come.
func TestUserWithManyCallsLeavesConnectionsToOthers(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 60,000 jobs")
	for name, more := range map[string]string{
		"answers that are not read":      "",
		"a body of GET that never comes": "Content-Length: 200000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, greedy := own(t, nil), newUser()
			server.hog(t, greedy, 12, more) // as many as there are database connections where there are two processors, and more
			for range 5 {
				begin := time.Now()
				if a := server.do(t, status(newUser())); a.status != http.StatusOK || time.Since(begin) > time.Second {
					t.Errorf("somebody else: %d after %s", a.status, time.Since(begin))
				}
			}
			server.do(t, status(greedy)).later(t, http.StatusTooManyRequests, models.IssueTypeThrottled, "1")
			server.hasCount(t, `reporting_http_rejected_total{limit="user_calls"}`, 9)
		})
	}
}

// hog opens calls of one user whose answers nobody reads, with more headers than
// usual. As many as one user may have stay at work.
func (i instance) hog(t *testing.T, user string, calls int, more string) {
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

// Calls that wait for their user's turn take nobody else's place, and there are not
// many of them.
func TestWaitingCallsUseNoSlots(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 30,000 jobs")
	server, user := own(t, func(c *config.Config) { c.MaxConcurrent = 5 }), newUser()
	server.hog(t, user, 4, "")
	var waiting sync.WaitGroup
	begin := time.Now()
	for range 30 {
		waiting.Go(func() {
			if a, err := send(server.build(t, status(user))); err != nil || a.status != http.StatusTooManyRequests {
				t.Errorf("one more of the user: %d %v", a.status, err)
			}
		})
	}
	for time.Since(begin) < time.Second {
		if a := server.do(t, status("somebody else")); a.status != http.StatusOK {
			t.Errorf("somebody else: %d %s", a.status, a.body)
		}
	}
	waiting.Wait()
	server.hasCount(t, `reporting_http_rejected_total{limit="user_calls"}`, 30)
	if !server.hasMetric(t, `reporting_http_rejected_total{limit="concurrency"} 0`) {
		t.Error("somebody was one too many")
	}
}

// A client that goes while it waits has gone, and was not refused.
func TestClientThatLeavesTheQueueIsNotRejected(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 30,000 jobs")
	server, user := own(t, nil), newUser()
	server.hog(t, user, 4, "")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	// By GET: while a body has not been read, nobody notices that its sender goes.
	if a, err := send(server.build(t, request{method: "GET", path: operation, user: user}).WithContext(ctx)); err == nil {
		t.Errorf("%d", a.status)
	}
	server.hasCount(t, `reporting_http_requests_total{method="GET",operation="get-report-job-status",status="499"}`, 1)
	if !server.hasMetric(t, `reporting_http_rejected_total{limit="user_calls"} 0`) {
		t.Error("counted as refused")
	}
}

// A body that a GET announces and nobody reads does not hold up a long answer, and
// with it a database connection.
func TestUnreadBodyOfGetDelaysNothing(t *testing.T) {
	t.Parallel()
	server, user := own(t, nil), newUser()
	insertJobs(t, server, user, 1000)
	conn := server.dial(t)
	_, err := fmt.Fprintf(conn, "GET /fhir%s?_count=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 200000\r\n\r\n", operation, token(user))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil { // net/http would wait for twenty
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s %v", res.Status, err)
	}
}

// Ten calls of one user at once are no offence: they take turns.
func TestConcurrentCallsOfOneUserTakeTurns(t *testing.T) {
	t.Parallel()
	server, user := own(t, nil), newUser()
	server.load(t, done(user, noon))
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if a, err := send(server.build(t, status(user))); err != nil || a.status != http.StatusOK {
				t.Errorf("%d %v %s", a.status, err, a.body)
			}
		})
	}
	calls.Wait()
}

// Thousands of empty headers take much memory; they are let go of at once.
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
		t.Errorf("%s, close %v", res.Status, res.Close)
	}
}

// Connections beyond the limit wait until there is room for them.
func TestConnectionsAboveTheLimitWait(t *testing.T) {
	t.Parallel()
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
		t.Errorf("%d bytes on a connection beyond the limit", n)
	}
	_ = open[0].Close()
	if err := late.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("after there was room: %v", err)
	}
}

// A client that sends nothing, or only the beginning of its headers, does not keep
// its connection.
func TestSlowHeadersEndTheConnection(t *testing.T) {
	t.Parallel()
	withSyntheticTime(t, func(t *testing.T, server synthetic) {
		for _, beginning := range []string{"", "POST /fhir" + operation + " HTTP/1.1\r\nHost: x\r\nAuthoriz"} {
			response, took := endOf(t, server.dial(t), beginning, 20*time.Second)
			if strings.Contains(response, "200 OK") || took > 6*time.Second {
				t.Errorf("after %q: got %q after %s, want the end of the connection within 5 s", beginning, response, took)
			}
		}
	})
}
