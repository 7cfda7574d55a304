// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/report"
	"reporting/internal/worker"
)

// fakeSweeper records the times of its calls.
type fakeSweeper struct {
	sweeps []time.Time
	purges []time.Time // the arguments
	result report.SweepResult
	old    int // batches that each purge finds
	left   int
	err    error
}

func (f *fakeSweeper) Sweep(context.Context, int) (report.SweepResult, error) {
	f.sweeps = append(f.sweeps, time.Now())
	return f.result, f.err
}

func (f *fakeSweeper) Purge(_ context.Context, before time.Time) (report.PurgeResult, error) {
	f.purges = append(f.purges, before)
	if f.left == 0 {
		f.left = f.old
		return report.PurgeResult{}, f.err
	}
	f.left--
	return report.PurgeResult{Jobs: 2, Binaries: 1}, f.err
}

// sweep runs a Sweeper for a time and returns its log and the sum of the observed results.
func sweep(t *testing.T, store report.Sweeper, retain, during time.Duration) (log string, swept report.SweepResult, purged report.PurgeResult) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var text bytes.Buffer
	var mu sync.Mutex
	worker.Sweeper{
		Store: store, MaxAttempts: attempts, Retain: retain, Now: time.Now, Log: slog.New(slog.NewTextHandler(&text, nil)),
		Observe: func(s report.SweepResult, p report.PurgeResult) {
			mu.Lock()
			defer mu.Unlock()
			swept.Promoted, swept.Requeued, swept.Failed = swept.Promoted+s.Promoted, swept.Requeued+s.Requeued, swept.Failed+s.Failed
			purged.Jobs, purged.Binaries = purged.Jobs+p.Jobs, purged.Binaries+p.Binaries
		},
	}.Run(ctx)
	return text.String(), swept, purged
}

func TestSweeperSweepsAndPurgesPeriodically(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := fakeSweeper{result: report.SweepResult{Promoted: 3}, old: 4, left: 4}
		const during = 10*time.Minute + time.Second
		log, swept, purged := sweep(t, &f, 24*time.Hour, during)
		if took := time.Since(begin); took != during {
			t.Errorf("Run returned after %s, want %s", took, during)
		}
		for i, at := range f.sweeps[1:] {
			if pause := at.Sub(f.sweeps[i]); pause < 2*time.Second || pause > 2500*time.Millisecond {
				t.Errorf("%s between two sweeps", pause)
			}
		}
		rounds := len(f.purges) / (f.old + 1)
		if rounds < 8 || rounds > 11 || len(f.purges)%(f.old+1) != 0 {
			t.Errorf("%d purges, want 8 to 11 times %d: until nothing is left", len(f.purges), f.old+1)
		}
		if !f.purges[0].Equal(begin.Add(-24 * time.Hour)) {
			t.Errorf("purged jobs older than %s", f.purges[0])
		}
		if want := (report.SweepResult{Promoted: 3 * int64(len(f.sweeps))}); swept != want {
			t.Errorf("observed %+v, want %+v", swept, want)
		}
		if want := (report.PurgeResult{Jobs: 8 * int64(rounds), Binaries: 4 * int64(rounds)}); purged != want {
			t.Errorf("observed %+v, want %+v", purged, want)
		}
		if log != "" {
			t.Errorf("logged without a reason: %s", log)
		}
	})
}

func TestSweeperWithoutRetentionPurgesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fakeSweeper{old: 1, left: 1, result: report.SweepResult{Requeued: 1}}
		log, _, _ := sweep(t, &f, 0, time.Second)
		if len(f.purges) > 0 {
			t.Error("purged")
		}
		if !strings.Contains(log, "found jobs without a live worker") || !strings.Contains(log, "requeued=1") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestSweeperContinuesAfterErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fakeSweeper{err: kind(report.Unavailable)}
		log, _, _ := sweep(t, &f, time.Hour, 5*time.Minute)
		if len(f.sweeps) < 100 || len(f.purges) < 4 {
			t.Errorf("%d sweeps and %d purges", len(f.sweeps), len(f.purges))
		}
		for _, want := range []string{"sweep jobs failed", "purge jobs failed"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %q", want)
			}
		}
	})
}

// slowPurge always finds something to purge.
type slowPurge struct{ fakeSweeper }

func (s *slowPurge) Purge(ctx context.Context, _ time.Time) (report.PurgeResult, error) {
	select {
	case <-ctx.Done():
		return report.PurgeResult{}, ctx.Err()
	case <-time.After(time.Second):
		return report.PurgeResult{Jobs: 100}, nil
	}
}

func TestPurgeDoesNotDelaySweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s slowPurge
		sweep(t, &s, time.Hour, 10*time.Minute)
		if len(s.sweeps) < 200 {
			t.Errorf("%d sweeps in ten minutes", len(s.sweeps))
		}
	})
}
