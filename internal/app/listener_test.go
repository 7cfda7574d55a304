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

func serving(t *testing.T, handler http.HandlerFunc) *listener {
	t.Helper()
	l, err := listen(t.Context(), nil, "test", "127.0.0.1:0", "REPORTING_LISTEN", handler, 100, func(float64) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.serve()
	return l
}

// dial connects to the server.
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

func ask(t *testing.T, conn net.Conn, reader *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
}

// A client whose connection was accepted before the port closed is answered,
// though net/http would drop a request that it reads later.
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
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		ask(t, conn, reader)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- l.stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Errorf("stopped with a request in flight: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	close(finish)
	<-answered
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A request that never ends must not keep the process from ending.
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
		t.Errorf("stop: %v", err)
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
				<-ctx.Done() // hangs until its limit
				return ctx.Err()
			}
			return nil
		})
	}
	c[1].limit = 10 * time.Millisecond
	err := c.undo(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) || len(order) != 3 || order[0] != "third" || order[2] != "first" {
		t.Errorf("order %v, error %v", order, err)
	}
	if err := c.undo(t.Context()); err != nil || len(order) != 3 {
		t.Errorf("a second call did something: %v %v", order, err)
	}
}
