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

const (
	sweepInterval = 2 * time.Second
	purgeInterval = time.Minute
)

// Sweeper runs the periodic tasks on jobs: the sweep and the purge.
type Sweeper struct {
	Store       report.Sweeper
	MaxAttempts int           // at a job
	Retain      time.Duration // how long ended jobs and their results are kept; 0: for ever
	Log         *slog.Logger
	Now         func() time.Time
	// Observe receives the result of every sweep and purge. Two goroutines may call it at a
	// time.
	Observe func(report.SweepResult, report.PurgeResult)
}

// Run sweeps and purges until ctx ends. The purge has a goroutine of its own, because it can
// take long.
func (s Sweeper) Run(ctx context.Context) {
	var purging sync.WaitGroup
	if s.Retain > 0 {
		purging.Go(func() { repeat(ctx, purgeInterval, s.purge) })
	}
	repeat(ctx, sweepInterval, s.sweep)
	purging.Wait()
}

// repeat calls do until ctx ends. The jitter keeps several processes apart.
func repeat(ctx context.Context, interval time.Duration, do func(context.Context)) {
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval + time.Duration(rand.Int64N(int64(interval/4)))): //nolint:gosec // jitter is no secret
		}
	}
}

func (s Sweeper) sweep(ctx context.Context) {
	result, err := s.Store.Sweep(ctx, s.MaxAttempts)
	if err != nil {
		s.warn(ctx, "sweep jobs failed", err)
		return
	}
	s.Observe(result, report.PurgeResult{})
	if result.Requeued+result.Failed > 0 {
		s.Log.WarnContext(ctx, "found jobs without a live worker", "requeued", result.Requeued, "failed", result.Failed)
	}
}

func (s Sweeper) purge(ctx context.Context) {
	before := s.Now().Add(-s.Retain)
	for ctx.Err() == nil {
		result, err := s.Store.Purge(ctx, before)
		if err != nil {
			s.warn(ctx, "purge jobs failed", err)
			return
		}
		s.Observe(report.SweepResult{}, result)
		if result == (report.PurgeResult{}) {
			return
		}
	}
}

func (s Sweeper) warn(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		s.Log.WarnContext(ctx, message, "error", err.Error())
	}
}
