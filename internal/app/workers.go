// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/worker"
	"reporting/internal/worker/queue"
)

const (
	// workersGrace is the time that running attempts have to end by themselves after a stop.
	// The others are released.
	workersGrace = 5 * time.Second
	// workersLimit is the longest time that stopping takes.
	workersLimit = 15 * time.Second
	// workersRetry is the time between two tries to start.
	workersRetry = 2 * time.Second
	// extraConnections are those of the queue and the sweep, beside one for each worker.
	extraConnections = 6
)

// workers runs attempts, the sweep and the purge in this process.
type workers struct {
	app     *App
	pool    *postgres.Pool
	runner  *worker.Runner
	started atomic.Pointer[queue.Workers] // nil: not started
	tasks   sync.WaitGroup
	cancel  context.CancelFunc

	draining sync.Once
	drained  chan error // receives the result of the stop, once
}

// openWorkers prepares the workers. They start when the database is reachable.
func (a *App) openWorkers(ctx context.Context) (*workers, error) {
	r := a.config.Reports
	connections := int32(r.Workers + extraConnections) //nolint:gosec // the setting is small
	pool, err := postgres.OpenAs(ctx, string(cmp.Or(r.WorkerDatabaseURL, a.config.DatabaseURL)), postgres.WorkerRole, connections)
	if err != nil {
		return nil, fmt.Errorf("open worker database: %w", err)
	}
	a.cleanups.add("worker pool", stopLimit, pool.Close)
	entries, err := queue.New(nil)
	if err != nil {
		return nil, err
	}
	attempts := postgres.NewAttemptStore(pool, entries, a.config.StatementTimeout, nil)
	metrics := a.metrics.RegisterWorkers(r.Workers, a.reportNames(), report.Outcomes())
	w := &workers{app: a, drained: make(chan error, 1), pool: pool}
	w.runner = worker.NewRunner(worker.Options{
		Reports: a.reports, Attempts: attempts, MaxAttempts: r.MaxAttempts, Timeout: r.Timeout, Log: a.log, Now: a.now,
		Observe: metrics.ObserveAttempt, AddBusy: metrics.AddBusy,
	})
	sweeper := worker.Sweeper{
		Store: attempts, MaxAttempts: r.MaxAttempts, Retain: r.Retain, Log: a.log, Now: a.now, Observe: metrics.ObserveSweep,
	}
	var running context.Context
	running, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w.tasks.Go(func() {
		w.startWhenReady(running)
		metrics.SetStarted(w.check(running) == nil)
		sweeper.Run(running)
	})
	a.cleanups.add("workers", workersLimit, w.stop)
	return w, nil
}

func (a *App) reportNames() []string {
	names := []string{worker.Unknown}
	for _, definition := range a.reports {
		names = append(names, definition.Name)
	}
	return names
}

// startWhenReady starts the workers when the database is reachable.
func (w *workers) startWhenReady(ctx context.Context) {
	logged := ""
	for {
		err := w.start(ctx)
		if err == nil {
			w.app.log.InfoContext(ctx, "workers started", "workers", w.app.config.Reports.Workers)
			return
		}
		if text := err.Error(); text != logged && ctx.Err() == nil {
			logged = text
			w.app.log.WarnContext(ctx, "start workers failed; trying again", "error", text)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(workersRetry):
		}
	}
}

func (w *workers) start(ctx context.Context) error {
	r := w.app.config.Reports
	if err := w.pool.CheckWorker(ctx); err != nil {
		if r.WorkerDatabaseURL == "" {
			err = fmt.Errorf("%w (set REPORTING_WORKER_DATABASE_URL to a login for workers, or REPORTING_WORKERS=0 to make no reports here)", err)
		}
		return err
	}
	started, err := queue.Start(ctx, queue.Options{
		Pool: w.pool.Sessions(), Workers: r.Workers, Timeout: r.Timeout + time.Minute, Grace: workersGrace, Attempt: w.runner.Run, Log: w.app.log,
	})
	if err != nil {
		return err
	}
	w.started.Store(started)
	return nil
}

// check is the readiness check of the workers.
func (w *workers) check(context.Context) error {
	if w.started.Load() == nil {
		return errors.New("the workers have not started: see the log")
	}
	return nil
}

// drain starts to stop the workers and returns at once.
func (w *workers) drain() {
	w.draining.Do(func() {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), workersLimit)
			defer cancel()
			w.cancel()
			w.tasks.Wait()
			var err error
			if started := w.started.Load(); started != nil {
				err = started.Stop(ctx)
			}
			w.drained <- err
		}()
	})
}

// stop drains and waits.
func (w *workers) stop(ctx context.Context) error {
	w.drain()
	return await(ctx, w.drained)
}
