// SPDX-License-Identifier: Apache-2.0

package coalesce

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/report"
)

const maxWait = 1500 * time.Millisecond

func newQuery(ctx context.Context) *Query { return NewQuery(ctx, report.Filter{}, nil) }

// withFakeBatches returns a Coalescer that hands its batches to run instead of a database.
func withFakeBatches(slots int, run func(batch []*Query)) *Coalescer {
	c := New(Options{MaxSlots: slots, MaxWait: maxWait})
	c.run = run
	return c
}

// Queries that arrive while all slots are busy run in the next batch, each of them once.
func TestQueriesThatWaitRunInOneBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		runs := map[*Query]int{}
		c := withFakeBatches(1, func(batch []*Query) {
			time.Sleep(fastBatch / 2)
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(batch))
			for _, q := range batch {
				runs[q]++
				q.finish()
			}
		})
		var callers sync.WaitGroup
		for range 40 {
			callers.Go(func() { c.Do(newQuery(t.Context())) })
		}
		callers.Wait()
		if len(sizes) != 4 || sizes[0] != 1 || sizes[1] != maxBatch || len(runs) != 40 {
			t.Errorf("batches of %v, %d queries", sizes, len(runs))
		}
		for _, times := range runs {
			if times != 1 {
				t.Errorf("a query ran %d times", times)
			}
		}
		time.Sleep(time.Second) // until expire has run
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.used != 0 || len(c.waiting) != 0 || c.expiring {
			t.Errorf("%d slots in use, %d queries wait", c.used, len(c.waiting))
		}
	})
}

// While batches are slow, waiting for a slot would make them slower.
func TestSlowBatchesUseMoreSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 5
		var mu sync.Mutex
		busy, busiest := 0, 0
		c := withFakeBatches(most, func(batch []*Query) {
			mu.Lock()
			busy++
			busiest = max(busiest, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			busy--
			for _, q := range batch {
				q.finish()
			}
		})
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { c.Do(newQuery(t.Context())) })
			time.Sleep(fastBatch + time.Microsecond)
		}
		callers.Wait()
		if busiest != most {
			t.Errorf("%d slots, want %d", busiest, most)
		}
		time.Sleep(time.Second)
	})
}

// A query leaves the queue when its client disconnects, and after MaxWait.
func TestWaitingQueriesExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		c := withFakeBatches(1, func(batch []*Query) {
			<-free
			for _, q := range batch {
				q.finish()
			}
		})
		go c.Do(newQuery(t.Context()))
		synctest.Wait()
		disconnecting, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		for name, tt := range map[string]struct {
			ctx  context.Context //nolint:containedctx // a row of a table
			want error
			most time.Duration
		}{
			"client disconnects": {disconnecting, context.DeadlineExceeded, 500 * time.Millisecond},
			"client waits":       {t.Context(), ErrNoSlot, maxWait + 2*expireInterval},
		} {
			begin := time.Now()
			q := newQuery(tt.ctx)
			c.Do(q)
			if !errors.Is(q.Err, tt.want) || time.Since(begin) > tt.most {
				t.Errorf("%s: %v after %v", name, q.Err, time.Since(begin))
			}
		}
		close(free)
	})
}
