// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/worker"
	"reporting/internal/worker/queue"
)

// How long stopping workers wait for what they are at, before they hand it back; and how
// long they may take in all.
const (
	workersPatience = 5 * time.Second
	workersLimit    = 15 * time.Second
)

// ownConnections are what the queue and the keeper need beside one for each worker.
const ownConnections = 6

// workers makes reports in this process.
type workers struct {
	app    *App
	pool   *postgres.Pool
	runs   *postgres.AttemptStore
	maker  *worker.Runner
	ended  sync.WaitGroup
	cancel context.CancelFunc

	mu      sync.Mutex
	running *queue.Workers // nil: they have not begun

	draining sync.Once
	drained  chan error // gets how they ended, once
}

// openWorkers prepares what makes reports. The database need not be there.
func (a *App) openWorkers(ctx context.Context) (*workers, error) {
	r := a.config.Reports
	connections := int32(r.Workers + ownConnections) //nolint:gosec // not so many
	pool, err := postgres.OpenAs(ctx, string(cmp.Or(r.WorkerDatabaseURL, a.config.DatabaseURL)), postgres.WorkerRole, connections)
	if err != nil {
		return nil, fmt.Errorf("worker database: %w", err)
	}
	a.cleanups.add("worker pool", stopLimit, pool.Close)
	entries, err := queue.NewEntries()
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	w := &workers{app: a, drained: make(chan error, 1), pool: pool, runs: postgres.NewAttemptStore(pool, entries, a.config.StatementTimeout, nil)}
	var names []string
	for _, kind := range a.reports {
		names = append(names, kind.Name)
	}
	var outcomes []string
	for _, outcome := range worker.Outcomes() {
		outcomes = append(outcomes, string(outcome))
	}
	figures := a.metrics.RegisterWork(r.Workers, append(names, worker.Unknown), outcomes)
	w.maker = worker.New(worker.Options{
		Reports: a.reports, Attempts: w.runs, MaxAttempts: r.MaxAttempts, Timeout: r.Timeout, Log: a.log, Now: a.now,
		Observe: func(name string, outcome worker.Outcome, took time.Duration) {
			figures.ObserveRun(name, string(outcome), took)
		},
		Busy: figures.AddBusy,
	})
	keeping := worker.Sweeper{
		Store: w.runs, MaxAttempts: r.MaxAttempts, Retain: r.Retain, Log: a.log, Now: a.now,
		Observe: func(t report.SweepResult, c report.PurgeResult) {
			figures.ObserveTended(t.Promoted, t.Requeued, t.Failed)
			figures.ObserveCleared(c.Jobs, c.Results)
		},
	}
	var running context.Context
	running, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w.ended.Go(func() {
		w.begin(running)
		figures.SetRunning(w.check(running) == nil)
		keeping.Run(running)
	})
	a.cleanups.add("workers", workersLimit, w.stop)
	return w, nil
}

// begin begins as soon as the database is there.
func (w *workers) begin(ctx context.Context) {
	const pause = 2 * time.Second
	said := ""
	for {
		err := w.try(ctx)
		if err == nil {
			w.app.log.InfoContext(ctx, "workers take jobs", "workers", w.app.config.Reports.Workers)
			return
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			w.app.log.WarnContext(ctx, "workers cannot begin yet", "error", text)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (w *workers) try(ctx context.Context) error {
	if err := w.pool.CheckWorker(ctx); err != nil {
		if w.app.config.Reports.WorkerDatabaseURL == "" {
			err = fmt.Errorf("%w (REPORTING_WORKER_DATABASE_URL, which is not set, is for a login of the workers' own; REPORTING_WORKERS=0 makes no reports here)", err)
		}
		return err
	}
	r := w.app.config.Reports
	made, err := queue.NewWorkers(queue.Options{
		Pool: w.pool.Sessions(), Workers: r.Workers, Timeout: r.Timeout + time.Minute, Do: w.do, Log: queueLog(w.app.log),
	})
	if err != nil {
		return err
	}
	if err := made.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = made
	return nil
}

func (w *workers) do(ctx context.Context, id report.JobID, entry int64) error {
	err := w.maker.Do(ctx, id, entry)
	switch {
	case errors.Is(err, worker.ErrOver):
		return queue.ErrOver
	case err != nil && ctx.Err() != nil:
		return ctx.Err() // by which the queue knows that a worker has stopped, and lets another begin at once
	case err != nil:
		return errAgain
	}
	return nil
}

// errAgain is all that the queue is told, which keeps it where others can read it.
var errAgain = errors.New("to be tried again; the log of the worker says why")

// check tells whether jobs are taken, for readiness.
func (w *workers) check(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil {
		return errors.New("the workers have not begun: see the log")
	}
	return nil
}

// drain takes no jobs any more, and hands back what does not end soon. It waits for nothing.
func (w *workers) drain() {
	w.draining.Do(func() {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), workersLimit)
			defer cancel()
			w.drained <- w.end(ctx)
		}()
	})
}

func (w *workers) stop(ctx context.Context) error {
	w.drain()
	return await(ctx, w.drained)
}

func (w *workers) end(ctx context.Context) error {
	w.cancel()
	w.ended.Wait()
	if w.running == nil {
		return nil
	}
	return w.running.Stop(ctx, workersPatience)
}

// queueLog is the log of the queue, which has a word on every attempt: what became of
// jobs is told elsewhere, and only its own trouble is left.
func queueLog(log *slog.Logger) *slog.Logger {
	return slog.New(atLeast{Handler: log.Handler(), level: slog.LevelWarn})
}

// atLeast leaves out what is below a level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled implements slog.Handler.
func (a atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= a.level && a.Handler.Enabled(ctx, level)
}
