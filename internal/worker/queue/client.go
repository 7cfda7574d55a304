// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"reporting/internal/report"
)

// Options configure Workers.
type Options struct {
	Pool    *pgxpool.Pool // connections that act as the worker role
	Workers int           // attempts at a time
	Timeout time.Duration // of an attempt, after which River ends its context
	Grace   time.Duration // for running attempts after Stop, before their contexts end
	// Attempt runs one attempt and returns soon after its context ends.
	Attempt func(ctx context.Context, id report.JobID, entry int64) report.Outcome
	Log     *slog.Logger
	// PollInterval is the time between two looks for entries; zero: one second.
	PollInterval time.Duration
	Now          func() time.Time // nil: the system's clock
}

// Workers takes entries from the queue and runs attempts.
type Workers struct {
	client *river.Client[pgx.Tx]
}

// Start returns workers that run until Stop. The database must be reachable. The workers
// poll. They do not listen, because every login of a database can send
// notifications, and because poolers do not pass them on.
func Start(ctx context.Context, o Options) (*Workers, error) {
	registry := river.NewWorkers()
	river.AddWorker(registry, &worker{options: o})
	config := &river.Config{
		Schema:               Schema,
		Queues:               map[string]river.QueueConfig{name: {MaxWorkers: o.Workers}},
		Workers:              registry,
		PollOnly:             true,
		FetchPollInterval:    o.PollInterval,
		FetchCooldown:        min(o.PollInterval, river.FetchCooldownDefault),
		JobTimeout:           o.Timeout,
		SoftStopTimeout:      o.Grace,
		RescueStuckJobsAfter: o.Timeout + time.Minute, // entries of dead workers; the sweep has replaced them
		MaxAttempts:          maxAttempts,
		Logger:               slog.New(warnings{o.Log.Handler()}),
		ReindexerSchedule:    river.NeverSchedule(), // the role owns no tables
		RetryPolicy:          backoff{now: o.Now},
	}
	if o.Now != nil {
		config.Test.Time = clock(o.Now)
	}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), config)
	if err != nil {
		return nil, fmt.Errorf("create workers: %w", err)
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start workers: %w", err)
	}
	return &Workers{client: client}, nil
}

// Stop starts no more attempts and waits until the running ones have ended, but not beyond
// ctx.
func (w *Workers) Stop(ctx context.Context) error {
	if err := w.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop workers: %w", err)
	}
	return nil
}

// worker implements river.Worker.
type worker struct {
	river.WorkerDefaults[args]
	options Options
}

// errRetry is all that River stores about a failed attempt, because other roles can read
// River's tables. The log of the worker has the cause.
var errRetry = errors.New("the attempt failed: see the log of the worker")

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	switch w.options.Attempt(ctx, report.JobID(job.Args.JobID), job.ID) {
	case report.AttemptRetried:
		return errRetry
	case report.AttemptReleased:
		return river.JobSnooze(0)
	case report.AttemptDone, report.AttemptFailed, report.AttemptCancelled:
	}
	return nil
}

// backoff implements river.ClientRetryPolicy: the delay after attempt n is n² times 5 s, and
// at most one hour.
type backoff struct{ now func() time.Time }

// NextRetry implements river.ClientRetryPolicy.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	const first, longest = 5 * time.Second, time.Hour
	now := time.Now
	if b.now != nil {
		now = b.now
	}
	n := len(job.Errors) + 1
	return now().Add(min(first*time.Duration(n*n), longest))
}

// warnings passes on warnings and errors only: River also logs each attempt.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
