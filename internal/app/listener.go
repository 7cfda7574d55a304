// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second // a whole body
	writeTimeout      = 30 * time.Second // until the answer begins; it renews this piece by piece
	idleTimeout       = 2 * time.Minute  // clients pool connections for a minute
	maxHeaderBytes    = 32 << 10
)

// listener is one HTTP server on one address.
type listener struct {
	name   string
	net    net.Listener
	server *http.Server
	failed chan error // holds what ended it before its time
}

// listen takes the address, so that a port that is in use is found at start.
func listen(ctx context.Context, name, address, setting string, handler http.Handler, log *slog.Logger) (*listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("the %s address %s is in use: stop what uses it, or choose another with %s", name, address, setting)
		}
		return nil, fmt.Errorf("listen on the %s address (%s): %w", name, setting, err)
	}
	return &listener{
		name: name, net: l, failed: make(chan error, 1),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			// OPTIONS * is answered like every other address.
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}, nil
}

func (l *listener) serve() {
	go func() {
		err := l.server.Serve(l.net)
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			l.failed <- fmt.Errorf("serve %s: %w", l.name, err)
		}
	}()
}

// lastRequests is how long connections that were accepted may take to say what
// they want.
const lastRequests = 100 * time.Millisecond

// stop answers whoever got through, lets requests in flight finish until ctx
// ends, and cuts them off then.
//
// The port closes before the server is told, because net/http drops a request
// that it reads after Shutdown has begun, on a connection it accepted before.
func (l *listener) stop(ctx context.Context) error {
	err := l.closePort()
	time.Sleep(lastRequests)
	if shutErr := l.server.Shutdown(ctx); shutErr != nil && !errors.Is(shutErr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("requests still in flight: %w", shutErr), l.server.Close())
	}
	return err
}

// closePort closes the port without losing connections that wait to be
// accepted: with no room for more of them, the server takes those that are
// there, and only then it closes.
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
