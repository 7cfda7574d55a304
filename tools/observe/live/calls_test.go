// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// caller sends requests and counts the responses by status. It is safe for concurrent use.
type caller struct {
	client http.Client

	mu   sync.Mutex
	seen map[int]int // responses by status; 0: no complete response
}

func newCaller() *caller {
	return &caller{
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 20 * time.Second},
		seen:   map[int]int{},
	}
}

// statuses returns the statuses that the traffic must cause.
func statuses() []int { return []int{0, 200, 400, 401, 403, 404, 405, 429, 500, 503} }

// call is a request. headers holds pairs of a name and a value.
type call struct {
	method, addr, path, body string
	headers                  []string
	token                    string        // empty: none
	patience                 time.Duration // after which the client disconnects; 0: never
}

const operation = "/fhir/$get-report-job-status"

func (c *caller) do(ctx context.Context, what call) {
	status := c.try(ctx, what)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[status]++
}

func (c *caller) try(ctx context.Context, what call) int {
	if what.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, what.patience)
		defer cancel()
	}
	if what.method == "" {
		what.method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, what.method, "http://"+what.addr+what.path, strings.NewReader(what.body))
	if err != nil {
		return 0
	}
	for n := 0; n+1 < len(what.headers); n += 2 {
		request.Header.Add(what.headers[n], what.headers[n+1])
	}
	if what.body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	if what.token != "" {
		request.Header.Add("Authorization", "Bearer "+what.token)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0
	}
	return answer.StatusCode
}

// together sends requests at the same time and waits for all responses.
func (c *caller) together(ctx context.Context, calls ...call) {
	var group sync.WaitGroup
	for _, what := range calls {
		group.Go(func() { c.do(ctx, what) })
	}
	group.Wait()
}

// slowly sends a request except its last byte, which it sends after a pause. It reads the beginning
// of the response, and the rest after another pause.
func slowly(t *testing.T, addr, token, body string, pause time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		operation, addr, token, len(body))
	split := len(body) - 1
	if _, err := io.WriteString(conn, head+body[:split]); err != nil {
		t.Errorf("send a body slowly: %v", err)
		return
	}
	time.Sleep(pause)
	if _, err := io.WriteString(conn, body[split:]); err != nil {
		t.Errorf("send a body slowly: %v", err)
		return
	}
	begin := make([]byte, 4096)
	n, err := conn.Read(begin)
	if err != nil || !strings.HasPrefix(string(begin[:n]), "HTTP/1.1 200 ") {
		t.Errorf("a slow request: %v, %.60q", err, begin[:n])
		return
	}
	time.Sleep(pause)
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("read a response slowly: %v", err)
	}
}
