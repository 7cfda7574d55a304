// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// Jobs reads report jobs. It implements report.Jobs.
type JobStore struct {
	pool    *Pool
	timeout time.Duration
	// The ways to ask. Most calls want a user's newest jobs, whichever they are, and
	// clauses that could narrow them down cost a tenth of the database's time also where
	// they do not.
	newest, narrowed, further string

	observe  func(Reading) // nil: nobody wants to know
	together *coalescer
	goingOn  chan struct{} // holds one for each piece of a long list that is being read
}

// Reading is how one reading of jobs went.
type Reading struct {
	Wait  time.Duration // for its turn and a connection
	Query time.Duration // from the question to its last row; rows are encoded as they come
	Asked bool          // it had its turn; otherwise Query is zero
	Err   error         // nil, or what EachJob returned
}

// NewJobs returns a store on pool. timeout is how long the database may take for one
// reading.
func NewJobStore(pool *Pool, timeout time.Duration) *JobStore {
	j := &JobStore{pool: pool, timeout: timeout, newest: SelectNewest, narrowed: selectNarrowed, further: selectFurther}
	connections := int(pool.pgx.Config().MaxConns)
	j.together = newBatcher(connections, j.askTogether)
	j.goingOn = make(chan struct{}, max(1, connections/furtherShare))
	return j
}

// Observe has f told of each reading from now on. It is called before the first.
func (j *JobStore) Observe(f func(Reading)) { j.observe = f }

// furtherShare is what part of the connections read how long lists go on: one of so many.
// Long lists are few, but each is as much work as a hundred others, and would take all
// connections from those.
const furtherShare = 4

// retryWindow is how early a connection must be lost for a second try to be
// answered in time.
const retryWindow = 300 * time.Millisecond

// EachJob implements report.Jobs.
func (j *JobStore) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	begin := time.Now()
	q := &query{ctx: ctx, filter: filter, yield: yield, since: begin}
	defer func() { j.tell(q) }()
	if !filter.After.IsZero() {
		done, err := j.goOn(ctx)
		if err != nil {
			q.err = err
			return err
		}
		defer done()
	}
	if narrows(filter) || filter.Count == 0 {
		j.askTogether([]*query{q})
	} else {
		j.together.do(q)
	}
	begin = time.Now()
	// What makes one pooled connection useless often does so to all of them.
	for tries := 0; q.again && tries < j.together.most && time.Since(begin) < retryWindow; tries++ {
		q.turn, q.err, q.again = nil, nil, false
		j.askTogether([]*query{q})
	}
	if q.panicked != nil {
		panic(q.panicked)
	}
	return q.err
}

func (j *JobStore) tell(q *query) {
	if j.observe == nil {
		return
	}
	r := Reading{Err: q.err, Asked: !q.asked.IsZero()}
	if r.Asked {
		r.Wait, r.Query = q.asked.Sub(q.since), q.ended.Sub(q.asked)
	} else {
		r.Wait = time.Since(q.since)
	}
	j.observe(r)
}

// goOn waits until one more long list may go on. Its client has part of the answer, so
// that there is time, and no good way to refuse.
func (j *JobStore) goOn(ctx context.Context) (done func(), err error) {
	wait, cancel := context.WithTimeoutCause(ctx, j.timeout, errCrowd)
	defer cancel()
	select {
	case j.goingOn <- struct{}{}:
		return func() { <-j.goingOn }, nil
	case <-wait.Done():
		if ctx.Err() != nil {
			return nil, domainError(ctx, ctx.Err())
		}
		return nil, &report.Error{Kind: report.Unavailable, Cause: errCrowd}
	}
}

// askTogether asks questions in one batch, and tells each how it went.
func (j *JobStore) askTogether(questions []*query) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(questions[0].ctx))
	defer cancel()
	var left atomic.Int64
	left.Store(int64(len(questions)))
	for _, q := range questions {
		defer context.AfterFunc(q.ctx, func() {
			if left.Add(-1) == 0 {
				cancel() // nobody is there any more
			}
		})()
	}
	unread, err := questions, errBroken
	defer func() {
		// If it panics, those who are left shall not wait for ever, nor go down with the
		// one whom it comes from. Alone he will meet it again.
		if len(questions) > 1 {
			_ = recover()
		}
		for _, q := range unread {
			q.fail(err, len(questions) == 1)
		}
	}()
	err = j.exchange(ctx, &unread)
}

var errBroken = errors.New("the batch was not read to its end")

// exchange asks questions and reads the answers, up to an error. It leaves those that
// were not answered.
func (j *JobStore) exchange(ctx context.Context, questions *[]*query) error {
	conn, err := j.pool.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	query, cancel := context.WithTimeoutCause(ctx, j.timeout, errStalled)
	defer cancel()
	err = j.converse(query, conn.Conn(), questions)
	if stale(err) {
		_ = conn.Conn().Close(query) // with the statements that it had prepared
	}
	if err != nil && errors.Is(context.Cause(query), errStalled) {
		return errors.Join(errStalled, err)
	}
	return err
}

func (j *JobStore) converse(ctx context.Context, conn *pgx.Conn, questions *[]*query) error {
	var batch pgconn.Batch
	now := time.Now()
	for _, q := range *questions {
		q.asked = now
		if err := j.ask(ctx, &batch, conn, q.filter); err != nil {
			return err
		}
	}
	results := conn.PgConn().ExecBatch(ctx, &batch)
	defer func() { _ = results.Close() }() // its errors are those of the rows
	var job report.Job
	for len(*questions) > 0 {
		q := (*questions)[0]
		if err := q.read(results, &job); err != nil {
			return err
		}
		*questions = (*questions)[1:]
		q.done()
	}
	return nil
}
