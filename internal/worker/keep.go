// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"reporting/internal/report"
)

// How often jobs are looked after. Several processes do it, each a little differently
// often, so that they keep out of each other's way.
const (
	tendEvery  = 2 * time.Second
	clearEvery = time.Minute
)

// Keeping says how jobs are looked after.
type Sweeper struct {
	Store       report.Sweeper
	MaxAttempts int           // at a job
	Retain      time.Duration // how long jobs that have ended are kept, and their results; 0: for ever
	Log         *slog.Logger
	Now         func() time.Time
	// Observe is told of what was done, also by two goroutines at a time.
	Observe func(report.SweepResult, report.PurgeResult)
}

// Run looks after jobs until ctx ends. What takes long has a goroutine of its own: jobs
// of the dead wait for nothing.
func (k Sweeper) Run(ctx context.Context) {
	var clearing sync.WaitGroup
	clearing.Go(func() { every(ctx, clearEvery, k.clear) })
	every(ctx, tendEvery, k.tend)
	clearing.Wait()
}

// every does something again and again, about so often, until ctx ends.
func every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause + time.Duration(rand.Int64N(int64(pause/4)))): //nolint:gosec // nobody guesses at this
		}
	}
}

// tend sees to jobs whose hour has come, or whose worker is gone.
func (k Sweeper) tend(ctx context.Context) {
	done, err := k.Store.Sweep(ctx, k.MaxAttempts)
	k.Observe(done, report.PurgeResult{})
	k.complain(ctx, "jobs could not be looked after", err)
	if done.Requeued+done.Failed > 0 {
		k.Log.WarnContext(ctx, "workers are gone; their jobs go to others", "requeued", done.Requeued, "failed", done.Failed)
	}
}

// clear sees to jobs that the queue has lost, and to those that are too old.
func (k Sweeper) clear(ctx context.Context) {
	requeued, err := k.Store.Requeue(ctx)
	k.complain(ctx, "the queue could not be compared with the jobs", err)
	if requeued > 0 {
		k.Log.WarnContext(ctx, "jobs were not in the queue any more, and are again", "jobs", requeued)
	}
	if k.Retain == 0 {
		return
	}
	before := k.Now().Add(-k.Retain)
	for ctx.Err() == nil {
		cleared, err := k.Store.Purge(ctx, before)
		k.Observe(report.SweepResult{}, cleared)
		k.complain(ctx, "what is too old could not be deleted", err)
		if err != nil || cleared == (report.PurgeResult{}) {
			return
		}
	}
}

func (k Sweeper) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		k.Log.WarnContext(ctx, what, "error", err.Error())
	}
}
