// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// serving starts a listener on a free port.
func serving(t *testing.T, handler http.HandlerFunc) *listener {
	t.Helper()
	l, err := listen(t.Context(), nil, "test", "127.0.0.1:0", "REPORTING_LISTEN", handler, 100, func(float64) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.serve()
	return l
}

// dial connects to a listener.
func dial(t *testing.T, l *listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", l.net.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	reader := bufio.NewReader(conn)
	return conn, reader
}

// ask makes one request on a connection and reads the response.
func ask(t *testing.T, conn net.Conn, reader *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("read response: %v", err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
}

// A request on a connection that was accepted before the port closed gets its
// response, although net/http drops requests that it reads after Shutdown.
func TestRequestAfterPortClosed(t *testing.T) {
	t.Parallel()
	l := serving(t, func(http.ResponseWriter, *http.Request) {})
	conn, reader := dial(t, l)
	ask(t, conn, reader)
	port, err := l.net.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- l.stop(t.Context()) }()
	for port.Control(func(uintptr) {}) == nil { // until it is closed
		time.Sleep(time.Millisecond)
	}
	ask(t, conn, reader)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopWaitsForRequestsInFlight(t *testing.T) {
	t.Parallel()
	arrived, finish := make(chan struct{}), make(chan struct{})
	l := serving(t, func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-finish
	})
	conn, reader := dial(t, l)
	responded := make(chan struct{})
	go func() {
		defer close(responded)
		ask(t, conn, reader)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- l.stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Errorf("stop returned %v with a request in flight, want it to wait", err)
	case <-time.After(300 * time.Millisecond):
	}
	close(finish)
	<-responded
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// The stop gives up on a request that never ends.
func TestStopGivesUp(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	l := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done() // Close ends it
	})
	conn, _ := dial(t, l)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := l.stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop: got %v, want DeadlineExceeded", err)
	}
}

func TestCleanupsRunLastInFirstOutAndAll(t *testing.T) {
	t.Parallel()
	var order []string
	var c cleanups
	for _, name := range []string{"first", "second", "third"} {
		c.add(name, time.Second, func(ctx context.Context) error {
			order = append(order, name)
			if name == "second" {
				<-ctx.Done() // until its limit
				return ctx.Err()
			}
			return nil
		})
	}
	c[1].limit = 10 * time.Millisecond
	err := c.undo(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) || len(order) != 3 || order[0] != "third" || order[2] != "first" {
		t.Errorf("got order %v, error %v; want third, second, first and DeadlineExceeded", order, err)
	}
	if err := c.undo(t.Context()); err != nil || len(order) != 3 {
		t.Errorf("second call: got order %v, error %v; want no further clean-up", order, err)
	}
}
