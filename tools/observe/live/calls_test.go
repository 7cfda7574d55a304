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

// caller makes calls and counts their answers by status. It may be used by several
// goroutines.
type caller struct {
	client http.Client

	mu   sync.Mutex
	seen map[int]int // answers by status; 0: none came whole
}

func newCaller() *caller {
	return &caller{
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 20 * time.Second},
		seen:   map[int]int{},
	}
}

// statuses are all that have to be seen.
func statuses() []int { return []int{0, 200, 400, 401, 403, 404, 405, 429, 500, 503} }

// call is one request. Headers are pairs of a name and a value.
type call struct {
	method, addr, path, body string
	headers                  []string
	token                    string        // empty: none
	patience                 time.Duration // 0: as long as it takes
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

// together makes calls at the same time and waits for all.
func (c *caller) together(ctx context.Context, calls ...call) {
	var group sync.WaitGroup
	for _, what := range calls {
		group.Go(func() { c.do(ctx, what) })
	}
	group.Wait()
}

// slowly sends a request by hand: all but the end of its body, then that after a pause;
// and it reads the beginning of the answer, then the rest after a pause.
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
		t.Errorf("a slow call: %v, %.60q", err, begin[:n])
		return
	}
	time.Sleep(pause)
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("read an answer slowly: %v", err)
	}
}
