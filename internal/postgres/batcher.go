// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"reporting/internal/report"
)

const (
	// mostTogether is how many questions go to the server in one batch.
	mostTogether = 16
	// laneTime is how long batches take where the server is near and has what it reads
	// in memory. When none has ended for that long, waiting for one costs more than one
	// more connection.
	laneTime = 2 * time.Millisecond
	// watchTime is how often somebody looks after those who wait.
	watchTime = 100 * time.Millisecond
)

// batcher sends questions that come at the same time to the server together. A
// question alone costs the server, the service and the kernel about as much for waking
// one another as for its rows. So few connections are used, a lane each, as long as
// answers come quickly, and who finds all of them busy waits for the next batch.
//
// It has no goroutine of its own: one of those who ask leads a batch, for all in it,
// and then the first of those who wait meanwhile leads the next one.
type coalescer struct {
	ask func(batch []*query) // asks them all, and tells each by its done

	mu       sync.Mutex
	waiting  []*query  // in the order they came
	lanes    int       // in use
	few      int       // lanes that are used at once
	most     int       // lanes that are used when answers are slow to come
	ended    time.Time // when a lane was last taken or a batch ended
	watching bool      // somebody looks after those who wait
}

func newBatcher(most int, ask func([]*query)) *coalescer {
	few := min(runtime.GOMAXPROCS(0), most)
	return &coalescer{ask: ask, few: few, most: most}
}

// do has a question asked, by whoever leads.
func (b *coalescer) do(q *query) {
	if b.enter(q) || <-q.turn == lead {
		b.lead(q)
	}
}

// enter tells whether to lead at once.
func (b *coalescer) enter(q *query) bool {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lanes < b.few || (b.lanes < b.most && now.Sub(b.ended) > laneTime) {
		b.lanes++
		b.ended = now
		return true
	}
	q.turn = make(chan turn, 1)
	b.waiting = append(b.waiting, q)
	if !b.watching {
		b.watching = true
		time.AfterFunc(watchTime, b.watch)
	}
	return false
}

// watch sends away those who have waited for too long, and those whose client has gone,
// as long as anybody waits. A timer for each would cost more than most of them wait.
func (b *coalescer) watch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.waiting = slices.DeleteFunc(b.waiting, func(q *query) bool {
		switch {
		case q.ctx.Err() != nil:
			q.err = &report.Error{Kind: report.Disconnected, Cause: q.ctx.Err()}
		case now.Sub(q.since) > acquireTimeout:
			q.err = &report.Error{Kind: report.Unavailable, Cause: errCrowd}
		default:
			return false
		}
		q.done()
		return true
	})
	if b.watching = len(b.waiting) > 0; b.watching {
		time.AfterFunc(watchTime, b.watch)
	}
}

var errCrowd = errors.New("the database did not come to it in time")

// lead asks a batch, the leader's own question last, because he waits for all.
func (b *coalescer) lead(q *query) {
	b.mu.Lock()
	n := min(len(b.waiting), mostTogether-1)
	batch := append(make([]*query, 0, n+1), b.waiting[:n]...)
	b.waiting = slices.Delete(b.waiting, 0, n)
	b.mu.Unlock()

	defer b.next()
	b.ask(append(batch, q))
}

// next hands the lane on.
func (b *coalescer) next() {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = now
	if len(b.waiting) == 0 {
		b.lanes--
		return
	}
	first := b.waiting[0]
	b.waiting = slices.Delete(b.waiting, 0, 1)
	first.turn <- lead
}
