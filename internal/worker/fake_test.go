// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/worker"
)

// fakeAttempts records its calls. A call succeeds unless the test sets another result.
type fakeAttempts struct {
	counted                  int // attempts, this one included
	class                    string
	parameters               string
	begin                    error
	heartbeat                func(n int) error // called with 1, 2, …
	finish                   func(n int) error
	record                   func() error // for Fail and Release
	mu                       sync.Mutex
	calls                    []string
	heartbeats, tries, ended int
	data                     []byte // of the result that was finished
}

func (r *fakeAttempts) add(ctx context.Context, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		what += " (too late)"
	}
	r.calls = append(r.calls, what)
}

func (r *fakeAttempts) Begin(_ context.Context, id report.JobID, _ int64) (report.Attempt, error) {
	return report.Attempt{JobID: id, Number: r.counted + 7, Counted: r.counted, ReportClass: r.class, Parameters: []byte(r.parameters)}, r.begin
}

func (r *fakeAttempts) Heartbeat(_ context.Context, run report.Attempt, progress string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run.Number != r.counted+7 {
		return errors.New("heartbeat of another attempt")
	}
	r.heartbeats++
	r.calls = append(r.calls, "heartbeat "+progress)
	if r.heartbeat != nil {
		return r.heartbeat(r.heartbeats)
	}
	return nil
}

// Finish reads the data to its end, as the database does, and only then may fail.
func (r *fakeAttempts) Finish(ctx context.Context, _ report.Attempt, result report.Result) error {
	data, err := io.ReadAll(result.Data)
	if err != nil || int64(len(data)) != result.Size {
		return fmt.Errorf("%d of %d bytes: %w", len(data), result.Size, err)
	}
	r.tries++
	if r.finish != nil {
		if err := r.finish(r.tries); err != nil {
			return err
		}
	}
	r.add(ctx, "finish "+result.ContentType)
	r.data = data
	return nil
}

func (r *fakeAttempts) Fail(ctx context.Context, _ report.Attempt, reason string) error {
	r.add(ctx, "fail: "+reason)
	return r.recorded()
}

func (r *fakeAttempts) Release(ctx context.Context, _ report.Attempt, counts bool) error {
	r.add(ctx, fmt.Sprintf("release, counted: %v", counts))
	return r.recorded()
}

func (r *fakeAttempts) recorded() error {
	r.ended++
	if r.record == nil {
		return nil
	}
	return r.record()
}

// observed is what the maker told of an attempt.
type observed struct {
	name    string
	outcome report.Outcome
	took    time.Duration
	busy    []int
	log     bytes.Buffer
}

const (
	attempts = 3
	limit    = time.Minute
)

// attempt makes one attempt at a job whose report is made by generate.
func attempt(t *testing.T, ctx context.Context, r *fakeAttempts, generate catalog.Generator) (observed, report.Outcome) { //nolint:revive // the test is what everything is for
	t.Helper()
	if r.class == "" {
		r.class = "c"
	}
	if r.parameters == "" {
		r.parameters = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`
	}
	if r.counted == 0 {
		r.counted = 1
	}
	var seen observed
	runner := worker.NewRunner(worker.Options{
		Reports:  []catalog.Report{{Name: "r", Class: "c", ReportName: "R", Generate: generate}},
		Attempts: r, MaxAttempts: attempts, Timeout: limit, Now: time.Now, Log: slog.New(slog.NewTextHandler(&seen.log, nil)),
		Observe: func(name string, outcome report.Outcome, took time.Duration) {
			seen.name, seen.outcome, seen.took = name, outcome, took
		},
		AddBusy: func(n int) { seen.busy = append(seen.busy, n) },
	})
	return seen, runner.Run(ctx, report.JobID{1}, 4)
}

// group makes a report of one group.
func group(_ context.Context, _ catalog.Task, out catalog.Output) error {
	return out.Group("G", "1", "value")
}

// waiting makes a report that would take for ever.
func waiting(ctx context.Context, _ catalog.Task, _ catalog.Output) error {
	<-ctx.Done()
	return fmt.Errorf("read: %w", ctx.Err())
}

func failing(err error) catalog.Generator {
	return func(context.Context, catalog.Task, catalog.Output) error { return err }
}

func kind(k report.Kind) error { return &report.Error{Kind: k, Cause: errors.New("secret words")} }
