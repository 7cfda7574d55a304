// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/app"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/telemetry"
)

// memoryListener accepts in-memory connections, which testing/synctest can wait
// for. Every connection says that it comes from this machine.
type memoryListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
}

func newMemoryListener() *memoryListener {
	closed := make(chan struct{})
	return &memoryListener{accepted: make(chan net.Conn), closed: closed, close: sync.OnceFunc(func() { close(closed) })}
}

// localConn is a connection with the address of a trusted peer.
type localConn struct{ net.Conn }

func (localConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// Accept implements net.Listener.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return localConn{conn}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *memoryListener) Close() error {
	l.close()
	return nil
}

// Addr implements net.Listener.
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// dial connects to the listener.
func (l *memoryListener) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	select {
	case l.accepted <- server:
	case <-l.closed:
		t.Fatal("dial: the listener is closed")
	}
	return client
}

// synthetic is a service in a bubble of testing/synctest.
type synthetic struct {
	target
	t        *testing.T // of the bubble
	api, ops *memoryListener
}

// dial opens a connection to the API. It ends with the test.
func (s synthetic) dial() net.Conn {
	s.t.Helper()
	conn := s.api.dial(s.t)
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// scrape reads the metrics.
func (s synthetic) scrape() string {
	s.t.Helper()
	conn := s.ops.dial(s.t)
	response, _ := endOf(s.t, conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", time.Minute)
	return response
}

// withSyntheticTime runs a test against a service with synthetic time: minutes pass
// as soon as the service waits for nothing else. The service has the timeouts as
// shipped, and no database.
func withSyntheticTime(t *testing.T, test func(synthetic)) {
	t.Helper()
	needsOwnServer(t)
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		keep(log)
		c := settings(t, pgtest.Database{Reader: unreachable})
		c.Listen, c.OpsListen = "api", "operations"
		listeners := map[string]*memoryListener{}
		service, err := app.New(t.Context(), app.Options{
			Config: c, Build: telemetry.Build{Version: "9.8.7"}, Stdout: io.Discard, Log: slog.New(slog.NewJSONHandler(log, nil)),
			Listen: func(_ context.Context, _, address string) (net.Listener, error) {
				listeners[address] = newMemoryListener()
				return listeners[address], nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- service.Run(running) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("stop service: %v", err)
			}
		})
		test(synthetic{
			t:      t,
			target: target{base: "http://" + service.Addr().String() + c.BaseURL.Path},
			api:    listeners["api"], ops: listeners["operations"],
		})
	})
}

// endOf sends text and returns all that the service sends until it ends the
// connection, and how long that takes. A service that does not end the connection
// skipPast limit fails the test.
func endOf(t *testing.T, conn net.Conn, text string, limit time.Duration) (response string, took time.Duration) {
	t.Helper()
	begin := time.Now()
	if err := conn.SetDeadline(begin.Add(limit)); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { // a pipe has no buffer
		_, err := io.WriteString(conn, text)
		written <- err
	}()
	got, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("after %q: connection is still open after %s: %v", shortened(text), limit, err)
	}
	if err := <-written; err != nil && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("write %q: %v", shortened(text), err)
	}
	return string(got), time.Since(begin)
}

// shortened returns the first hundred bytes.
func shortened(text string) string { return text[:min(len(text), 100)] }

// statusOf reads the status of a raw response; 0 means that there is none.
func statusOf(t *testing.T, response string) int {
	t.Helper()
	if response == "" {
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(response)), nil)
	if err != nil {
		t.Fatalf("read response: %v: %q", err, response)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
