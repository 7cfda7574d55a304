// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second // a whole body
	writeTimeout      = 30 * time.Second // until the response begins; httpapi renews it for each piece
	idleTimeout       = 2 * time.Minute  // clients pool connections for a minute
	// A URL and a token of 8 KiB each, and what goes with them. Short headers take
	// twenty times their size in memory.
	maxHeaderBytes = 20 << 10
	// opsConnections is the connection limit of the operations listener. Few clients probe
	// and scrape.
	opsConnections = 64
	// spareFiles are for the key server and the rest of the process, the database
	// aside.
	spareFiles = 64
	// leastConnections is what a service needs to be one: a few clients keep theirs.
	leastConnections = 32
)

// fewerConnections is what an operator should know where the limit of open files is low.
const fewerConnections = "fewer connections than REPORTING_MAX_CONNECTIONS says: raise the limit of open files (ulimit -n)"

// errorLog logs messages of net/http. Nearly all report disconnected clients, at debug level;
// a failed accept is a warning.
type errorLog struct{ log *slog.Logger }

// Write implements io.Writer.
func (e errorLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.HasPrefix(line, []byte("http: Accept error")) {
		level = slog.LevelWarn
	}
	e.log.Log(context.Background(), level, "HTTP server", "detail", strings.TrimSpace(string(line)))
	return len(line), nil
}

// roomFor limits the connections by the open files that the process may have, of which the
// database and others take some. Beyond it no database connection could be opened either.
func roomFor(connections, others int) (int, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > math.MaxInt32 {
		return connections, nil //nolint:nilerr // no known limit
	}
	room := int(files.Cur) - spareFiles - opsConnections - others
	if room < leastConnections {
		return 0, fmt.Errorf("the process may open %d files, which leaves too few connections: raise the limit (ulimit -n) to %d at least",
			files.Cur, leastConnections+spareFiles+opsConnections+others)
	}
	return min(connections, room), nil
}

// listener is one HTTP server on one address.
type listener struct {
	name   string
	net    net.Listener
	most   int // connections at a time
	server *http.Server
	failed chan error // holds what ended it before its time
}

// opened is told of each connection that begins, 1, and ends, -1.
type opened func(n float64)

// inUseError means that another process listens on an address.
type inUseError struct{ name, address, setting string }

// Error names the listener and what to do.
func (e inUseError) Error() string {
	return fmt.Sprintf("the %s address %s is in use: stop what uses it, or choose another with %s", e.name, e.address, e.setting)
}

// ListenFunc opens an address, as net.ListenConfig.Listen does.
type ListenFunc func(ctx context.Context, network, address string) (net.Listener, error)

func take(ctx context.Context, open ListenFunc, name, address, setting string) (net.Listener, error) {
	if open == nil {
		open = new(net.ListenConfig).Listen
	}
	l, err := open(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, inUseError{name, address, setting}
	}
	if err != nil {
		return nil, fmt.Errorf("listen on the %s address (%s): %w", name, setting, err)
	}
	return l, nil
}

// listen takes the address, so that a port that is in use is found at start.
func listen(ctx context.Context, open ListenFunc, name, address, setting string, handler http.Handler, most int, tell opened, log *slog.Logger) (*listener, error) {
	l, err := take(ctx, open, name, address, setting)
	if err != nil {
		return nil, err
	}
	return &listener{
		name: name, net: l, most: most, failed: make(chan error, 1),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			// OPTIONS * is answered like every other address.
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     stdlog.New(errorLog{log}, "", 0),
			ConnState: func(_ net.Conn, state http.ConnState) {
				switch state {
				case http.StateNew:
					tell(1)
				case http.StateClosed, http.StateHijacked:
					tell(-1)
				case http.StateActive, http.StateIdle:
				}
			},
		},
	}, nil
}

func (l *listener) serve() {
	go func() {
		// Connections beyond the limit wait to be accepted.
		err := l.server.Serve(netutil.LimitListener(l.net, l.most))
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			l.failed <- fmt.Errorf("serve %s: %w", l.name, err)
		}
	}()
}

// lastRequests is how long accepted connections may take to send a request.
const lastRequests = 100 * time.Millisecond

// stop serves the accepted connections, lets requests in flight finish until ctx ends, and
// then closes them.
//
// The port closes before the server is told, because net/http drops a request
// that it reads after Shutdown has begun, on a connection it accepted before. Connections
// that wait beyond the limit have not been accepted.
func (l *listener) stop(ctx context.Context) error {
	err := l.closePort()
	time.Sleep(lastRequests)
	if shutErr := l.server.Shutdown(ctx); shutErr != nil && !errors.Is(shutErr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("requests still in flight: %w", shutErr), l.server.Close())
	}
	return err
}

// closePort closes the port without losing connections that wait to be
// accepted: it sets the backlog to zero, lets the server accept those that wait, and then
// closes.
func (l *listener) closePort() error {
	if tcp, ok := l.net.(*net.TCPListener); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) })
			time.Sleep(10 * time.Millisecond)
		}
	}
	if err := l.net.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close port: %w", err)
	}
	return nil
}
