// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"reporting/internal/postgres/coalesce"
	"reporting/internal/report"
)

const (
	// longListShare is the part of the connections that read the continuation of long
	// lists: one of so many. Long lists are few, but each is as much work as a hundred
	// other reads, and would occupy all connections.
	longListShare = 4
	// retryWindow is how long after the start of a read another attempt still ends in time.
	retryWindow = 300 * time.Millisecond
)

// JobStore reads report jobs. It implements report.Jobs.
type JobStore struct {
	pool    *Pool
	timeout time.Duration
	// The statements for each form of a filter. Most reads want a user's newest jobs, and
	// filter clauses cost a tenth of the database's time even where they match all jobs.
	newest, filtered, continued string

	metrics   *ReadMetrics // nil: none
	log       *slog.Logger
	warned    atomic.Bool // the log says that a pooler loses prepared statements
	slots     int
	coalescer *coalesce.Coalescer
	longLists chan struct{} // holds one item for each read that continues a long list
}

// NewJobStore returns a store on pool. timeout is the longest that the database may take
// for one read.
func NewJobStore(pool *Pool, timeout time.Duration) *JobStore {
	j := &JobStore{
		pool: pool, timeout: timeout, newest: SelectNewest, filtered: selectFiltered, continued: selectContinued,
		slots: int(pool.pgx.Config().MaxConns), log: slog.New(slog.DiscardHandler),
	}
	j.longLists = make(chan struct{}, max(1, j.slots/longListShare))
	j.coalescer = j.newCoalescer()
	return j
}

func (j *JobStore) newCoalescer() *coalesce.Coalescer {
	return coalesce.New(coalesce.Options{
		MaxSlots: j.slots, MaxWait: acquireTimeout, Timeout: j.timeout,
		Acquire: j.pool.acquire, Release: j.release, Queue: j.queue, Decode: decode,
	})
}

// Instrument sets where reads are counted and where the store logs. Call it before the
// first read.
func (j *JobStore) Instrument(metrics *ReadMetrics, log *slog.Logger) {
	j.metrics, j.log = metrics, log
}

// EachJob implements report.Jobs. It holds a connection while it calls yield, which must
// not wait for a client.
func (j *JobStore) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) (err error) {
	q := coalesce.NewQuery(ctx, filter, yield)
	defer func() { j.metrics.observe(q, err) }()
	if !filter.After.IsZero() {
		done, err := j.takeLongList(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	if narrows(filter) || filter.Count == 0 {
		j.coalescer.DoAlone(q)
	} else {
		j.coalescer.Do(q)
	}
	// Connections become useless in groups, so retry more than once.
	begin := time.Now()
	for tries := 0; retryable(ctx, q) && tries < j.slots && time.Since(begin) < retryWindow; tries++ {
		j.coalescer.DoAlone(q)
	}
	if q.Panic != nil {
		panic(q.Panic)
	}
	if q.Err == nil || q.FromYield {
		return q.Err
	}
	return domainError(ctx, q.Err)
}

// retryable returns true when another attempt may succeed: the error came from another
// query of the batch or from the connection, and the caller has seen no row.
func retryable(ctx context.Context, q *coalesce.Query) bool {
	if q.Err == nil || q.Started || ctx.Err() != nil || errors.Is(q.Err, coalesce.ErrTimeout) || errors.Is(q.Err, coalesce.ErrNoSlot) {
		return false
	}
	// An error that has a kind comes from waiting for a connection.
	if _, known := errors.AsType[*report.Error](q.Err); known {
		return false
	}
	return q.Shared || lost(q.Err) || stale(q.Err)
}

// takeLongList waits until one more long list may continue. The client has part of the
// response already, so waiting is better than a refusal.
func (j *JobStore) takeLongList(ctx context.Context) (done func(), err error) {
	wait, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	select {
	case j.longLists <- struct{}{}:
		return func() { <-j.longLists }, nil
	case <-wait.Done():
		if ctx.Err() != nil {
			return nil, domainError(ctx, ctx.Err())
		}
		return nil, &report.Error{Kind: report.Unavailable, Cause: errLongLists}
	}
}

var errLongLists = errors.New("wait to continue a long list: too many others are being read")

// release gives a connection back to the pool, or closes it if its prepared statements are
// of no use. It logs the first loss of statements.
func (j *JobStore) release(conn *pgxpool.Conn, err error) {
	if stale(err) {
		ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
		defer cancel()
		_ = conn.Conn().Close(ctx)
		if lostStatements(err) && j.warned.CompareAndSwap(false, true) {
			j.log.ErrorContext(ctx, "read jobs failed", "error", errLossyPooler)
		}
	}
	conn.Release()
}
