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
	writeTimeout      = 30 * time.Second // a short answer; long ones extend it as they go
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
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}, nil
}

func (l *listener) serve() {
	go func() {
		if err := l.server.Serve(l.net); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("serve %s: %w", l.name, err)
		}
	}()
}

// stop lets requests in flight finish until ctx ends, and cuts them off then.
func (l *listener) stop(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests still in flight: %w", err), l.server.Close())
	}
	// A listener that never served is not the server's to close.
	if closeErr := l.net.Close(); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}
