// SPDX-License-Identifier: Apache-2.0

// Package coalesce sends reads of jobs that arrive at the same time to the database in
// one batch, over one connection. A batch costs the server, the service and the kernel
// about as much as a single query, so this nearly doubles the calls that a machine serves.
//
// It knows connections, batches and the domain's jobs. It must not know SQL, error kinds or
// anything of HTTP. Only internal/postgres imports it.
package coalesce

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"reporting/internal/report"
)

const (
	// maxBatch is the number of queries in a batch.
	maxBatch = 16
	// fastBatch is how long a batch takes when the server is near and reads from memory.
	// When no batch has ended for that long, one more connection costs less than waiting.
	fastBatch = 2 * time.Millisecond
	// expireInterval is how often expire runs while queries wait.
	expireInterval = 100 * time.Millisecond
)

// Errors of a query that do not come from the server.
var (
	ErrNoSlot  = errors.New("wait for a slot to read jobs: all are busy")
	ErrTimeout = errors.New("the database did not answer within the statement timeout")
	ErrColumns = errors.New("the database returned other columns than the query selects")

	errAborted = errors.New("the batch ended before this query")
)

// Options connect a Coalescer to a pool and to the SQL.
type Options struct {
	MaxSlots int           // batches that run at the same time, at most
	MaxWait  time.Duration // for a slot
	Timeout  time.Duration // of a batch, from its first byte to its last row

	Acquire func(context.Context) (*pgxpool.Conn, error)
	// Release gives a connection back. err is what ended the batch, or nil.
	Release func(conn *pgxpool.Conn, err error)
	// Queue adds two statements to a batch: one without rows of interest, then the query.
	Queue func(context.Context, *pgconn.Batch, *pgx.Conn, report.Filter) error
	// Decode overwrites a job with a row. The job is valid until the next row.
	Decode func(row [][]byte, job *report.Job) error
}

// Coalescer runs queries in batches. A batch holds a slot, which is one connection. Few
// slots are in use while batches are fast. A query that finds all of them busy waits for
// the next batch.
//
// A Coalescer has no goroutine of its own. The caller of one query is the leader of its
// batch. Afterwards the first caller that waits leads the next one.
type Coalescer struct {
	Options

	run func(batch []*Query) // runBatch, but for tests

	mu       sync.Mutex
	waiting  []*Query  // in the order of their arrival
	used     int       // slots
	minSlots int       // slots that are used without delay
	changed  time.Time // when a slot was last taken or a batch last ended
	expiring bool      // expire is scheduled
}

// New returns a Coalescer.
func New(o Options) *Coalescer {
	c := &Coalescer{Options: o, minSlots: min(runtime.GOMAXPROCS(0), o.MaxSlots)}
	c.run = c.runBatch
	return c
}

// Do runs a query, in a batch with others when slots are busy. When it returns, q tells
// how the query ended.
func (c *Coalescer) Do(q *Query) {
	if !c.takeSlot(q) && <-q.turn == finished {
		return
	}
	defer c.passSlot()
	c.run(c.nextBatch(q))
}

// DoAlone runs a query in a batch of its own, without a slot. It may run a query again.
func (c *Coalescer) DoAlone(q *Query) {
	q.reset()
	c.run([]*Query{q})
}

// takeSlot returns true when the caller may lead a batch at once. Otherwise q waits.
func (c *Coalescer) takeSlot(q *Query) bool {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used < c.minSlots || (c.used < c.MaxSlots && now.Sub(c.changed) > fastBatch) {
		c.used++
		c.changed = now
		return true
	}
	q.turn = make(chan turn, 1)
	c.waiting = append(c.waiting, q)
	if !c.expiring {
		c.expiring = true
		time.AfterFunc(expireInterval, c.expire)
	}
	return false
}

// nextBatch takes queries from the waiting ones. The leader's own query goes last, because
// the leader reads all results.
func (c *Coalescer) nextBatch(leader *Query) []*Query {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxBatch-1)
	batch := append(make([]*Query, 0, n+1), c.waiting[:n]...)
	c.waiting = slices.Delete(c.waiting, 0, n)
	return append(batch, leader)
}

// passSlot gives the slot to the first query that waits, whose caller leads the next batch.
func (c *Coalescer) passSlot() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = now
	if len(c.waiting) == 0 {
		c.used--
		return
	}
	first := c.waiting[0]
	c.waiting = slices.Delete(c.waiting, 0, 1)
	first.turn <- lead
}

// expire removes queries that waited longer than MaxWait and those whose client
// disconnected. A timer for each query would cost more than most of them wait.
func (c *Coalescer) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.waiting = slices.DeleteFunc(c.waiting, func(q *Query) bool {
		switch {
		case q.ctx.Err() != nil:
			q.Err = q.ctx.Err()
		case now.Sub(q.Queued) > c.MaxWait:
			q.Err = ErrNoSlot
		default:
			return false
		}
		q.finish()
		return true
	})
	if c.expiring = len(c.waiting) > 0; c.expiring {
		time.AfterFunc(expireInterval, c.expire)
	}
}
