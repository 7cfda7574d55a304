// SPDX-License-Identifier: Apache-2.0

// Package work makes the reports of jobs: one attempt at a time, watched, and handed back
// when it has to stop. It knows neither the queue nor the database.
//
// internal/app imports it.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"
	Failed    Outcome = "failed"    // for good
	Retried   Outcome = "retried"   // to be tried again
	Released  Outcome = "released"  // the worker had to stop
	Cancelled Outcome = "cancelled" // by its user, or somebody else took it over
)

// Outcomes lists them all.
func Outcomes() []Outcome { return []Outcome{Done, Failed, Retried, Released, Cancelled} }

// Unknown stands for the name of a report that this installation does not make.
const Unknown = "unknown"

// Options say what is made, and where it is noted.
type Options struct {
	Reports     []catalog.Report
	Attempts    report.Attempts
	MaxAttempts int           // at a job
	Timeout     time.Duration // of an attempt
	Log         *slog.Logger
	Now         func() time.Time
	// Observe is told of each attempt: the report's name, how it ended, how long it took.
	Observe func(name string, outcome Outcome, took time.Duration)
	// Busy is told of each attempt that begins (1) and ends (-1).
	Busy func(n int)
	// Beat is how often a sign of life is given; zero: report.BeatEvery.
	Beat time.Duration
}

// Maker makes reports.
type Runner struct{ Options }

// New returns a maker.
func New(o Options) *Runner {
	if o.Beat == 0 {
		o.Beat = report.HeartbeatInterval
	}
	return &Runner{o}
}

// ErrOver is returned for a job that needs no other attempt for this entry.
var ErrOver = errors.New("the job is over")

// How ctx may end, as causes of runs.
var (
	errTaken   = errors.New("the job was cancelled, or somebody else is at it")
	errTooLong = errors.New("it took too long")
)

// settleTimeout is how long a stopping worker tries to note how a run ended.
const settleTimeout = 5 * time.Second

// Do makes one attempt at a job for an entry of the queue. ErrOver says that there is
// nothing more to do for the entry; another error, that it should come again.
func (m *Runner) Do(ctx context.Context, id report.JobID, entry int64) error {
	run, err := m.Attempts.Begin(ctx, id, entry)
	if report.KindOf(err) == report.Superseded {
		return ErrOver
	}
	if err != nil {
		return fmt.Errorf("begin job %s: %w", id, err)
	}
	m.Busy(1)
	defer m.Busy(-1)
	begun := m.Now()
	name, outcome, err := m.attempt(ctx, run)
	took := m.Now().Sub(begun)
	m.Observe(name, outcome, took)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("job", id.String()), slog.String("report", name), slog.Int("attempt", run.Counted),
		slog.String("outcome", string(outcome)), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	m.Log.LogAttrs(ctx, level, "report job", attrs...)
	if outcome == Retried || outcome == Released {
		return fmt.Errorf("attempt at job %s: %w", id, errors.Join(err, ctx.Err()))
	}
	return ErrOver
}

// attempt makes the report and notes how that ended.
func (m *Runner) attempt(ctx context.Context, run report.Attempt) (name string, outcome Outcome, err error) {
	kind := catalog.ByClass(m.Reports, run.ReportClass)
	if kind == nil {
		outcome, err = m.unknown(ctx, run)
		return Unknown, outcome, err
	}
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, stop := context.WithTimeoutCause(working, m.Timeout, errTooLong)
	defer stop()
	p := &heartbeat{maker: m, run: run, lost: func() { cancel(errTaken) }}
	p.begin(limited)
	err = m.make(limited, kind, run, p.tell)
	cause := context.Cause(limited)
	p.end()
	outcome, err = m.conclude(ctx, run, cause, err)
	return kind.Name, outcome, err
}

// unknownFor is how long a job waits for a worker that knows its kind of report: while
// a new version comes in, some do and some do not.
const unknownFor = 24 * time.Hour

// unknown hands a job back that others may know to make, and fails it when none has come.
func (m *Runner) unknown(ctx context.Context, run report.Attempt) (Outcome, error) {
	err := &report.Failure{Reason: "This installation does not make this kind of report", Permanent: true}
	if m.Now().Sub(run.Due) > unknownFor {
		return m.conclude(ctx, run, nil, err)
	}
	return m.settle(ctx, Retried, err, func(ctx context.Context) error { return m.Attempts.Release(ctx, run, false) })
}

// make makes the report, and stores it.
func (m *Runner) make(ctx context.Context, kind *catalog.Report, run report.Attempt, progress func(string)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			m.Log.ErrorContext(ctx, "panic", "job", run.JobID.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	file, result, err := kind.Make(ctx, catalog.Request{Parameters: run.Parameters, Time: m.Now(), Progress: progress})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return m.store(ctx, run, file, result)
}

// store stores a result. The database may be away for a while: what took long to make is
// worth waiting for, as long as the attempt may take.
func (m *Runner) store(ctx context.Context, run report.Attempt, file *os.File, result report.Result) error {
	const longest = 30 * time.Second
	for pause := time.Second; ; pause = min(2*pause, longest) {
		err := m.Attempts.Finish(ctx, run, result)
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

// conclude notes how a run ended that ended with err, and whose context with cause.
func (m *Runner) conclude(ctx context.Context, run report.Attempt, cause, err error) (Outcome, error) {
	switch {
	case err == nil:
		return Done, nil
	case errors.Is(cause, errTaken), report.KindOf(err) == report.Superseded:
		return Cancelled, nil
	case errors.Is(cause, errTooLong):
		err = &report.Failure{Reason: fmt.Sprintf("The report took longer than %s to make", m.Timeout), Cause: err}
	case ctx.Err() != nil:
		return m.settle(ctx, Released, nil, func(ctx context.Context) error { return m.Attempts.Release(ctx, run, false) })
	}
	failure, told := errors.AsType[*report.Failure](err)
	if told && failure.Permanent || run.Counted >= m.MaxAttempts {
		reason := "The service failed because of a fault of its own"
		if told {
			reason = failure.Reason
		}
		return m.settle(ctx, Failed, err, func(ctx context.Context) error { return m.Attempts.Fail(ctx, run, reason) })
	}
	return m.settle(ctx, Retried, err, func(ctx context.Context) error { return m.Attempts.Release(ctx, run, true) })
}

// settle notes how a run ended that ended with err, also when ctx has ended.
func (m *Runner) settle(ctx context.Context, outcome Outcome, err error, note func(context.Context) error) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	noted := note(ctx)
	switch {
	case noted == nil:
		return outcome, err
	case report.KindOf(noted) == report.Superseded:
		return Cancelled, nil
	case outcome == Failed:
		outcome = Retried // the keeper finds it
	}
	return outcome, errors.Join(err, noted)
}
