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

// ErrOver is what a Do returns for a job that will not be tried again: it has ended, or
// there is nothing to do for this entry.
var ErrOver = errors.New("nothing is left to do")

// Options say who works, on what.
type Options struct {
	// Pool has direct connections, as a role that may work: what River listens for comes
	// through no pooler that changes sessions.
	Pool    *pgxpool.Pool
	Workers int           // jobs at a time
	Timeout time.Duration // of one attempt
	// Do makes one attempt at a job. An error has it tried again, after a while that
	// grows. It ends soon after its context does.
	Do  func(ctx context.Context, id report.JobID, entry int64) error
	Log *slog.Logger
	Now func() time.Time // nil: the system's clock
}

// Workers make reports.
type Workers struct {
	client *river.Client[pgx.Tx]
}

// worker implements river.Worker.
type worker struct {
	river.WorkerDefaults[args]
	options Options
}

// NewWorkers returns workers that have not begun.
func NewWorkers(o Options) (*Workers, error) {
	known := river.NewWorkers()
	river.AddWorker(known, &worker{options: o})
	config := &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}},
		Workers:              known,
		JobTimeout:           o.Timeout,
		RescueStuckJobsAfter: o.Timeout + time.Minute, // entries of the dead; their jobs have got others long before
		MaxAttempts:          tries,
		Logger:               o.Log,
		ReindexerSchedule:    river.NeverSchedule(), // the tables are not ours to rebuild
		RetryPolicy:          retries{now: o.Now},
	}
	if o.Now != nil {
		config.Test.Time = clock(o.Now)
	}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), config)
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	return &Workers{client: client}, nil
}

// Start begins. The database has to be there.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.client.Start(ctx); err != nil {
		return fmt.Errorf("start workers: %w", err)
	}
	return nil
}

// Stop begins nothing any more and waits for what is running until patience ends; then
// it ends that too, and waits until it has, but not beyond ctx.
func (w *Workers) Stop(ctx context.Context, patience time.Duration) error {
	soft, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.client.Stop(soft); err == nil {
		return nil
	}
	if err := w.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop workers: %w", err)
	}
	return nil
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	err := w.options.Do(ctx, report.JobID(job.Args.JobID), job.ID)
	if errors.Is(err, ErrOver) {
		return nil
	}
	return err
}

// retries are when an entry is tried again: after 5 s, 20 s, 45 s … and at most an hour.
type retries struct{ now func() time.Time }

// NextRetry implements river.ClientRetryPolicy.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	const first, longest = 5 * time.Second, time.Hour
	now := time.Now
	if r.now != nil {
		now = r.now
	}
	tries := len(job.Errors) + 1
	return now().Add(min(first*time.Duration(tries*tries), longest))
}

// clock implements rivertype.TimeGenerator.
type clock func() time.Time

// Now implements rivertype.TimeGenerator.
func (c clock) Now() time.Time { return c() }

// NowOrNil implements rivertype.TimeGenerator.
func (c clock) NowOrNil() *time.Time { return new(c.Now()) }
