// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"reporting/internal/report"
)

// Jobs reads report jobs. It implements report.Jobs.
type Jobs struct {
	pool    *Pool
	timeout time.Duration
	// The two ways to ask. Most calls want a user's newest jobs, whichever they are, and
	// clauses that could narrow them down cost a tenth of the database's time also where
	// they do not.
	newest, narrowed string
}

// NewJobs returns a store on pool. timeout is how long the database may take for one
// reading.
func NewJobs(pool *Pool, timeout time.Duration) *Jobs {
	return &Jobs{pool: pool, timeout: timeout, newest: selectNewest, narrowed: selectNarrowed}
}

// retryWindow is how early a connection must be lost for a second try to be
// answered in time.
const retryWindow = 300 * time.Millisecond

// EachJob implements report.Jobs.
func (j *Jobs) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	begin := time.Now()
	again, err := j.read(ctx, filter, yield)
	if again && time.Since(begin) < retryWindow {
		_, err = j.read(ctx, filter, yield)
	}
	return err
}

// read tells besides the error whether one more try makes sense: a pooled
// connection may have died since it was last used, as all do when the server
// restarts. After the first row it does not, because the caller has seen it.
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
	results, err := j.ask(query, conn.Conn(), filter)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = results.Close() }() // its errors are those of the rows
	if !results.NextResult() {             // of setUser
		return failed(results.Close())
	}
	if _, err := results.ResultReader().Close(); err != nil {
		return failed(err)
	}
	if !results.NextResult() {
		return failed(results.Close())
	}
	var job report.Job
	for rows := results.ResultReader(); rows.NextRow(); {
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
