// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// Jobs reads report jobs. It implements report.Jobs.
type Jobs struct {
	pool    *Pool
	timeout time.Duration
	// The ways to ask. Most calls want a user's newest jobs, whichever they are, and
	// clauses that could narrow them down cost a tenth of the database's time also where
	// they do not.
	newest, narrowed, further string

	together *batcher
	goingOn  chan struct{} // holds one for each piece of a long list that is being read
}

// NewJobs returns a store on pool. timeout is how long the database may take for one
// reading.
func NewJobs(pool *Pool, timeout time.Duration) *Jobs {
	j := &Jobs{pool: pool, timeout: timeout, newest: SelectNewest, narrowed: selectNarrowed, further: selectFurther}
	connections := int(pool.pgx.Config().MaxConns)
	j.together = newBatcher(connections, j.askTogether)
	j.goingOn = make(chan struct{}, max(1, connections/furtherShare))
	return j
}

// furtherShare is what part of the connections read how long lists go on: one of so many.
// Long lists are few, but each is as much work as a hundred others, and would take all
// connections from those.
const furtherShare = 4

// retryWindow is how early a connection must be lost for a second try to be
// answered in time.
const retryWindow = 300 * time.Millisecond

// EachJob implements report.Jobs.
func (j *Jobs) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	if !narrows(filter) && filter.Count > 0 {
		q := &question{ctx: ctx, filter: filter, yield: yield}
		j.together.do(q)
		if q.panicked != nil {
			panic(q.panicked)
		}
		if !q.alone {
			return q.err
		}
	}
	if !filter.After.IsZero() {
		done, err := j.goOn(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	begin := time.Now()
	again, err := j.read(ctx, filter, yield)
	// What makes one pooled connection useless often does so to all of them.
	for tries := 0; again && tries < j.together.most && time.Since(begin) < retryWindow; tries++ {
		again, err = j.read(ctx, filter, yield)
	}
	return err
}

// goOn waits until one more long list may go on. Its client has part of the answer, so
// that there is time, and no good way to refuse.
func (j *Jobs) goOn(ctx context.Context) (done func(), err error) {
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

// askTogether asks questions that narrow nothing down, in one batch.
func (j *Jobs) askTogether(questions []*question) {
	leader := questions[len(questions)-1]
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(leader.ctx), j.timeout, errStalled)
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
	unread := questions
	err := errBroken // if it panics, those who are left find out by themselves why
	defer func() {
		if p := recover(); p != nil {
			j.settle(ctx, unread, err)
		}
	}()
	err = j.exchange(ctx, &unread)
	j.settle(ctx, unread, err)
}

var errBroken = errors.New("the batch was not read to its end")

// settle deals with the questions that a batch left over because of err.
func (j *Jobs) settle(ctx context.Context, unread []*question, err error) {
	_, final := errors.AsType[*report.Error](err) // no connection came
	for _, q := range unread {
		switch {
		case q.ctx.Err() != nil:
			q.err = domainError(q.ctx, err)
		case final:
			q.err = err
		case q.begun || ctx.Err() != nil:
			q.err = queryError(q.ctx, ctx, err)
		default:
			q.alone = true
		}
		q.done()
	}
}

// exchange asks questions and reads the answers, up to an error. It leaves those that
// were not answered.
func (j *Jobs) exchange(ctx context.Context, questions *[]*question) error {
	conn, err := j.pool.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var batch pgconn.Batch
	for _, q := range *questions {
		if err := j.ask(ctx, &batch, conn.Conn(), q.filter); err != nil {
			return err
		}
	}
	results := conn.Conn().PgConn().ExecBatch(ctx, &batch)
	defer func() { _ = results.Close() }()
	var job report.Job
	for len(*questions) > 0 {
		q := (*questions)[0]
		if err := q.read(results, &job); err != nil {
			if stale(err) {
				_ = conn.Conn().Close(ctx) // with the statements that it had prepared
			}
			return err
		}
		*questions = (*questions)[1:]
		q.done()
	}
	return nil
}

// read tells besides the error whether one more try makes sense: a pooled connection
// may have died since it was last used, as all do when the server restarts, or its
// statements may be stale. After the first row it does not, because the caller has seen it.
func (j *Jobs) read(ctx context.Context, filter report.Filter, yield func(*report.Job) error) (again bool, err error) {
	conn, err := j.pool.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()

	query, cancel := context.WithTimeoutCause(ctx, j.timeout, errStalled)
	defer cancel()
	begun := false
	failed := func(err error) (bool, error) {
		if stale(err) {
			_ = conn.Conn().Close(query) // with the statements that it had prepared
		}
		return !begun && query.Err() == nil && (lost(err) || stale(err)), queryError(ctx, query, err)
	}
	var batch pgconn.Batch
	if err := j.ask(query, &batch, conn.Conn(), filter); err != nil {
		return failed(err)
	}
	results := conn.Conn().PgConn().ExecBatch(query, &batch)
	defer func() { _ = results.Close() }() // its errors are those of the rows
	rows, err := rowsOf(results)
	if err != nil {
		return failed(err)
	}
	var job report.Job
	for rows.NextRow() {
		begun = true
		if err := decode(rows.Values(), &job); err != nil {
			return failed(err)
		}
		if err := yield(&job); err != nil {
			return false, err
		}
	}
	if err := results.Close(); err != nil {
		return failed(err)
	}
	return false, nil
}
