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

// keeper counts how often it is asked, and when.
type keeper struct {
	tended, requeued []time.Time
	before           []time.Time // what Clear was asked for
	tending          report.SweepResult
	lost             int64
	old              int // calls of Clear that find something, each time
	left             int
	err              error
}

func (k *keeper) Sweep(context.Context, int) (report.SweepResult, error) {
	k.tended = append(k.tended, time.Now())
	return k.tending, k.err
}

func (k *keeper) Requeue(context.Context) (int64, error) {
	k.requeued = append(k.requeued, time.Now())
	k.left = k.old
	return k.lost, k.err
}

func (k *keeper) Purge(_ context.Context, before time.Time) (report.PurgeResult, error) {
	k.before = append(k.before, before)
	if k.left == 0 {
		return report.PurgeResult{}, k.err
	}
	k.left--
	return report.PurgeResult{Jobs: 2, Results: 1}, k.err
}

// keep looks after jobs for so long, and returns the log and the sum of what was told.
func keep(t *testing.T, k *keeper, retain, during time.Duration) (log string, tended report.SweepResult, cleared report.PurgeResult) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var text bytes.Buffer
	var mu sync.Mutex
	worker.Sweeper{
		Store: k, MaxAttempts: attempts, Retain: retain, Now: time.Now, Log: slog.New(slog.NewTextHandler(&text, nil)),
		Observe: func(t report.SweepResult, c report.PurgeResult) {
			mu.Lock()
			defer mu.Unlock()
			tended.Promoted, tended.Requeued, tended.Failed = tended.Promoted+t.Promoted, tended.Requeued+t.Requeued, tended.Failed+t.Failed
			cleared.Jobs, cleared.Results = cleared.Jobs+c.Jobs, cleared.Results+c.Results
		},
	}.Run(ctx)
	return text.String(), tended, cleared
}

func TestKeeping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		k := keeper{tending: report.SweepResult{Promoted: 3}, old: 4}
		const during = 10*time.Minute + time.Second
		log, tended, cleared := keep(t, &k, 24*time.Hour, during)
		if took := time.Since(begin); took != during {
			t.Errorf("ended after %s", took)
		}
		for i, at := range k.tended[1:] {
			if pause := at.Sub(k.tended[i]); pause < 2*time.Second || pause > 2500*time.Millisecond {
				t.Errorf("looked after jobs after %s", pause)
			}
		}
		if len(k.requeued) < 9 || len(k.requeued) > 11 || !k.requeued[0].Equal(begin) {
			t.Errorf("the queue was looked at %d times, the first %s", len(k.requeued), k.requeued[0])
		}
		if want := len(k.requeued) * (k.old + 1); len(k.before) != want {
			t.Errorf("cleared %d times, want %d: until nothing is left", len(k.before), want)
		}
		if !k.before[0].Equal(begin.Add(-24 * time.Hour)) {
			t.Errorf("cleared what is older than %s", k.before[0])
		}
		rounds := int64(len(k.requeued))
		if tended != (report.SweepResult{Promoted: 3 * int64(len(k.tended))}) || cleared != (report.PurgeResult{Jobs: 8 * rounds, Results: 4 * rounds}) {
			t.Errorf("told of %+v and %+v", tended, cleared)
		}
		if log != "" {
			t.Errorf("what is usual is logged: %s", log)
		}
	})
}

func TestKeepingForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper{old: 1, lost: 2, tending: report.SweepResult{Requeued: 1}}
		log, _, _ := keep(t, &k, 0, time.Second)
		if len(k.before) > 0 {
			t.Error("something was deleted")
		}
		if !strings.Contains(log, "workers are gone") || !strings.Contains(log, "jobs=2") {
			t.Errorf("the log does not say what was wrong: %s", log)
		}
	})
}

// Trouble is logged, and no reason to end.
func TestKeepingInTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper{old: 1, err: kind(report.Unavailable)}
		log, _, _ := keep(t, &k, time.Hour, 5*time.Minute)
		if len(k.tended) < 100 || len(k.requeued) < 4 || len(k.before) != len(k.requeued) {
			t.Errorf("%d, %d, %d times", len(k.tended), len(k.requeued), len(k.before))
		}
		for _, want := range []string{"could not be looked after", "could not be compared", "could not be deleted"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not say %q", want)
			}
		}
	})
}

// endless always finds something old.
type endless struct{ keeper }

func (e *endless) Purge(ctx context.Context, _ time.Time) (report.PurgeResult, error) {
	select {
	case <-ctx.Done():
		return report.PurgeResult{}, ctx.Err()
	case <-time.After(time.Second):
		return report.PurgeResult{Jobs: 100}, nil
	}
}

// However much is too old, the jobs of the dead do not wait for it.
func TestKeepingBesideClearing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var k endless
		worker.Sweeper{
			Store: &k, MaxAttempts: attempts, Retain: time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Observe: func(report.SweepResult, report.PurgeResult) {},
		}.Run(ctx)
		if len(k.tended) < 200 {
			t.Errorf("looked after %d times in ten minutes", len(k.tended))
		}
	})
}
