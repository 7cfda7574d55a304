// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"reporting/internal/telemetry"
)

// listen takes both addresses. The operations listener is the last to go, so
// that a stopping service can still say that it is not ready.
func (a *App) listen(ctx context.Context, api http.Handler, databaseConnections int) (err error) {
	if err := a.listenOps(ctx); err != nil {
		return err
	}
	most, err := roomFor(a.config.MaxConnections, databaseConnections)
	if err != nil {
		return err
	}
	if most < a.config.MaxConnections {
		a.log.WarnContext(ctx, fewerConnections, "connections", most)
	}
	a.metrics.SetMaxConnections(most)
	a.api, err = listen(ctx, a.open, "API", a.config.Listen, "REPORTING_LISTEN", api, most, a.metrics.AddConnections, a.log)
	if err != nil {
		return err
	}
	a.cleanups.add("API listener", a.config.ShutdownGrace, a.api.stop)
	return nil
}

func (a *App) listenOps(ctx context.Context) (err error) {
	a.ops, err = listen(ctx, a.open, "operations", a.config.OpsListen, "REPORTING_OPS_LISTEN", telemetry.Handler(a.metrics, a.readiness),
		opsConnections, func(float64) {}, a.log)
	if err != nil {
		return err
	}
	a.cleanups.add("operations listener", stopLimit, a.ops.stop)
	return nil
}

// Addr is the address of the API listener.
func (a *App) Addr() net.Addr { return a.api.net.Addr() }

// OpsAddr is the address of the operations listener.
func (a *App) OpsAddr() net.Addr { return a.ops.net.Addr() }

// Run serves until ctx ends or a listener fails, and then stops: not ready
// first, for as long as whatever sends requests here needs to notice; then no
// new connections, while requests in flight finish; then everything else, in
// the reverse order of its start.
func (a *App) Run(ctx context.Context) error {
	a.ops.serve()
	var apiFailed chan error // nil: it never does
	if a.api != nil {
		a.api.serve()
		apiFailed = a.api.failed
		a.log.InfoContext(ctx, "serving", "api", a.Addr().String(), "operations", a.OpsAddr().String(), "base_url", a.config.BaseURL.String())
	} else {
		a.log.InfoContext(ctx, "working", "operations", a.OpsAddr().String())
	}
	go a.readiness.Check(ctx)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-apiFailed:
	case failure = <-a.ops.failed:
	}
	stopping := context.WithoutCancel(ctx)
	a.readiness.Drain()
	if a.workers != nil {
		a.workers.drain() // while callers still get responses
	}
	delay := a.config.ShutdownDelay
	if failure != nil || a.api == nil { // no client sends requests to it
		delay = 0
	}
	a.log.InfoContext(stopping, "stopping", "delay", delay.String(), "grace", a.config.ShutdownGrace.String())
	time.Sleep(delay)
	if err := errors.Join(failure, a.cleanups.undo(stopping)); err != nil {
		return err
	}
	a.log.InfoContext(stopping, "stopped")
	return nil
}
