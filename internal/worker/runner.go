// SPDX-License-Identifier: Apache-2.0

// Package worker runs attempts at jobs: it generates the report, sends heartbeats, stores
// the result, and sweeps jobs without a live worker. It knows neither the queue nor the
// database; package queue below it and internal/postgres do. internal/app imports it.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

// Unknown is the name in metrics of a report that this installation does not define.
const Unknown = "unknown"

// Options configure a Runner.
type Options struct {
	Reports     []catalog.Report
	Attempts    report.Attempts
	MaxAttempts int           // at a job
	Timeout     time.Duration // of an attempt
	Log         *slog.Logger
	Now         func() time.Time
	// Observe receives the report's name, the outcome and the duration of every attempt.
	Observe func(name string, outcome report.Outcome, took time.Duration)
	// AddBusy receives 1 when an attempt starts and -1 when it ends.
	AddBusy func(n int)
	// HeartbeatInterval is report.HeartbeatInterval if it is zero.
	HeartbeatInterval time.Duration
}

// Runner runs attempts.
type Runner struct{ Options }

// NewRunner returns a runner.
func NewRunner(o Options) *Runner {
	if o.HeartbeatInterval == 0 {
		o.HeartbeatInterval = report.HeartbeatInterval
	}
	return &Runner{o}
}

// Causes of the end of an attempt's context.
var (
	errSuperseded = errors.New("the user cancelled the job, or a later attempt runs")
	errTimeout    = errors.New("the attempt took too long")
)

// recordTimeout limits the time in which a stopping worker records how an attempt ended.
const recordTimeout = 5 * time.Second

// Run runs one attempt at a job for an entry of the queue and returns its outcome.
func (r *Runner) Run(ctx context.Context, id report.JobID, entry int64) report.Outcome {
	attempt, err := r.Attempts.Begin(ctx, id, entry)
	switch {
	case report.KindOf(err) == report.Superseded:
		return report.AttemptCancelled
	case err != nil:
		r.Log.WarnContext(ctx, "begin attempt failed", "job", id.String(), "error", err.Error())
		return report.AttemptRetried
	}
	r.AddBusy(1)
	defer r.AddBusy(-1)
	begun := r.Now()
	name, outcome, err := r.run(ctx, attempt)
	took := r.Now().Sub(begun)
	r.Observe(name, outcome, took)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("job", id.String()), slog.String("report", name), slog.Int("attempt", attempt.Counted),
		slog.String("outcome", string(outcome)), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	r.Log.LogAttrs(ctx, level, "attempt ended", attrs...)
	return outcome
}

// run generates and stores the report, and records how the attempt ended.
func (r *Runner) run(ctx context.Context, attempt report.Attempt) (name string, outcome report.Outcome, err error) {
	definition := catalog.ByClass(r.Reports, attempt.ReportClass)
	if definition == nil {
		outcome, err = r.unknown(ctx, attempt)
		return Unknown, outcome, err
	}
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, stop := context.WithTimeoutCause(working, r.Timeout, errTimeout)
	defer stop()
	var progress atomic.Value // string
	var heartbeats sync.WaitGroup
	beating, stopBeating := context.WithCancel(limited)
	heartbeats.Go(func() { r.sendHeartbeats(beating, attempt, &progress, func() { cancel(errSuperseded) }) })
	err = r.generate(limited, definition, attempt, func(text string) { progress.Store(text) })
	cause := context.Cause(limited)
	stopBeating()
	heartbeats.Wait()
	outcome, err = r.conclude(ctx, attempt, cause, err)
	return definition.Name, outcome, err
}

// unknownLimit is how long a job waits for a worker that defines its report. During an
// upgrade some workers do, and others do not.
const unknownLimit = 24 * time.Hour

// unknown releases a job whose report this worker does not define, and fails it after
// unknownLimit.
func (r *Runner) unknown(ctx context.Context, attempt report.Attempt) (report.Outcome, error) {
	err := &report.Failure{Reason: "This installation does not make this kind of report", Permanent: true}
	if r.Now().Sub(attempt.Due) > unknownLimit {
		return r.conclude(ctx, attempt, nil, err)
	}
	return r.record(ctx, report.AttemptRetried, err, func(ctx context.Context) error { return r.Attempts.Release(ctx, attempt, false) })
}

// generate generates the report and stores it.
func (r *Runner) generate(ctx context.Context, definition *catalog.Report, attempt report.Attempt, progress func(string)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			r.Log.ErrorContext(ctx, "panic in report", "job", attempt.JobID.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	file, result, err := definition.Make(ctx, catalog.Request{Parameters: attempt.Parameters, Time: r.Now(), Progress: progress})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return r.store(ctx, attempt, file, result)
}

// store stores a result. While the database is down it tries again, because the result can
// be expensive, until the attempt times out.
func (r *Runner) store(ctx context.Context, attempt report.Attempt, file *os.File, result report.Result) error {
	const longest = 30 * time.Second
	for pause := time.Second; ; pause = min(2*pause, longest) {
		err := r.Attempts.Finish(ctx, attempt, result)
		if !report.KindOf(err).Retryable() {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read result: %w", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// conclude decides the outcome of an attempt that ended with err, and whose context ended
// with cause, and records it.
func (r *Runner) conclude(ctx context.Context, attempt report.Attempt, cause, err error) (report.Outcome, error) {
	switch {
	case err == nil:
		return report.AttemptDone, nil
	case errors.Is(cause, errSuperseded), report.KindOf(err) == report.Superseded:
		return report.AttemptCancelled, nil
	case errors.Is(cause, errTimeout):
		err = &report.Failure{Reason: fmt.Sprintf("The report took longer than %s to make", r.Timeout), Cause: err}
	case ctx.Err() != nil:
		return r.record(ctx, report.AttemptReleased, nil, func(ctx context.Context) error { return r.Attempts.Release(ctx, attempt, false) })
	}
	failure, explained := errors.AsType[*report.Failure](err)
	if explained && failure.Permanent || attempt.Counted >= r.MaxAttempts {
		reason := "The service failed because of a fault of its own"
		if explained {
			reason = failure.Reason
		}
		return r.record(ctx, report.AttemptFailed, err, func(ctx context.Context) error { return r.Attempts.Fail(ctx, attempt, reason) })
	}
	return r.record(ctx, report.AttemptRetried, err, func(ctx context.Context) error { return r.Attempts.Release(ctx, attempt, true) })
}

// record writes the outcome of an attempt that ended with err, even after ctx has ended. If
// that fails, the sweep finds the job.
func (r *Runner) record(ctx context.Context, outcome report.Outcome, err error, write func(context.Context) error) (report.Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	failed := write(ctx)
	switch {
	case failed == nil:
		return outcome, err
	case report.KindOf(failed) == report.Superseded:
		return report.AttemptCancelled, nil
	case outcome == report.AttemptFailed:
		outcome = report.AttemptRetried
	}
	return outcome, errors.Join(err, failed)
}
