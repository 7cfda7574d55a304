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

func waitingQuestion(ctx context.Context) *query { return &query{ctx: ctx, since: time.Now()} }

// Whoever comes while all lanes are busy goes with the next batch, and nobody twice.
func TestQuestionsGoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		asked := map[*query]int{}
		b := newBatcher(1, func(batch []*query) {
			time.Sleep(laneTime / 2)
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(batch))
			for _, q := range batch {
				asked[q]++
				q.done()
			}
		})
		var callers sync.WaitGroup
		for range 40 {
			callers.Go(func() { b.do(waitingQuestion(t.Context())) })
		}
		callers.Wait()
		if len(sizes) != 4 || sizes[0] != 1 || sizes[1] != mostTogether || len(asked) != 40 {
			t.Errorf("batches of %v, %d questions", sizes, len(asked))
		}
		for _, times := range asked {
			if times != 1 {
				t.Errorf("asked %d times", times)
			}
		}
		time.Sleep(time.Second) // until nobody watches
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.lanes != 0 || len(b.waiting) != 0 || b.watching {
			t.Errorf("%d lanes in use, %d waiting", b.lanes, len(b.waiting))
		}
	})
}

// Where answers are slow to come, waiting for a lane would make them slower.
func TestSlowAnswersTakeMoreLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 5
		var mu sync.Mutex
		busy, busiest := 0, 0
		b := newBatcher(most, func(batch []*query) {
			mu.Lock()
			busy++
			busiest = max(busiest, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			busy--
			for _, q := range batch {
				q.done()
			}
		})
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { b.do(waitingQuestion(t.Context())) })
			time.Sleep(laneTime + time.Microsecond)
		}
		callers.Wait()
		if busiest != most {
			t.Errorf("%d lanes, want %d", busiest, most)
		}
		time.Sleep(time.Second)
	})
}

// Nobody waits for ever for a database that does not answer, and nobody waits for a
// client that has gone.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		b := newBatcher(1, func(batch []*query) {
			<-free
			for _, q := range batch {
				q.done()
			}
		})
		go b.do(waitingQuestion(t.Context()))
		synctest.Wait()
		gone, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer leave()
		for name, c := range map[string]struct {
			ctx  context.Context //nolint:containedctx // a row of a table
			want report.Kind
			most time.Duration
		}{
			"gone":    {gone, report.Disconnected, 500 * time.Millisecond},
			"patient": {t.Context(), report.Unavailable, acquireTimeout + 2*watchTime},
		} {
			begin := time.Now()
			q := waitingQuestion(c.ctx)
			b.do(q)
			known, ok := errors.AsType[*report.Error](q.err)
			if !ok || known.Kind != c.want || time.Since(begin) > c.most {
				t.Errorf("%s: %v after %v", name, q.err, time.Since(begin))
			}
		}
		close(free)
	})
}
