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

// runs notes what it is told, and answers as the test says. What the test does not say
// succeeds.
type runs struct {
	used                int // attempts, the one that begins included
	class               string
	parameters          string
	begin               error
	beat                func(n int) error // the n-th, from 1
	finish              func(n int) error
	note                func() error // Fail and HandBack
	mu                  sync.Mutex
	told                []string
	beats, tries, ended int
	data                []byte // of the result that was finished
}

func (r *runs) tell(ctx context.Context, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		what += " (too late)"
	}
	r.told = append(r.told, what)
}

func (r *runs) Begin(_ context.Context, id report.JobID, _ int64) (report.Attempt, error) {
	return report.Attempt{JobID: id, Number: r.used + 7, Counted: r.used, ReportClass: r.class, Parameters: []byte(r.parameters)}, r.begin
}

func (r *runs) Heartbeat(_ context.Context, run report.Attempt, progress string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run.Number != r.used+7 {
		return errors.New("a beat for another attempt")
	}
	r.beats++
	r.told = append(r.told, "beat "+progress)
	if r.beat != nil {
		return r.beat(r.beats)
	}
	return nil
}

// Finish reads the data to its end, as the database does, and only then may fail.
func (r *runs) Finish(ctx context.Context, _ report.Attempt, result report.Result) error {
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
	r.tell(ctx, "finish "+result.ContentType)
	r.data = data
	return nil
}

func (r *runs) Fail(ctx context.Context, _ report.Attempt, reason string) error {
	r.tell(ctx, "fail: "+reason)
	return r.noted()
}

func (r *runs) Release(ctx context.Context, _ report.Attempt, counts bool) error {
	r.tell(ctx, fmt.Sprintf("hand back, counts: %v", counts))
	return r.noted()
}

func (r *runs) noted() error {
	r.ended++
	if r.note == nil {
		return nil
	}
	return r.note()
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
func attempt(t *testing.T, ctx context.Context, r *runs, generate catalog.Generator) (observed, report.Outcome) { //nolint:revive // the test is what everything is for
	t.Helper()
	if r.class == "" {
		r.class = "c"
	}
	if r.parameters == "" {
		r.parameters = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`
	}
	if r.used == 0 {
		r.used = 1
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
