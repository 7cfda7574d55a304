// SPDX-License-Identifier: Apache-2.0

package coalesce

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// Query is one read of jobs. Its fields are valid after Do or DoAlone.
type Query struct {
	ctx    context.Context //nolint:containedctx // each query has the context of its own client
	filter report.Filter
	yield  func(*report.Job) error
	turn   chan turn // nil: the query does not wait for a slot

	Queued time.Time // the query was made
	Sent   time.Time // zero: it was never sent
	Ended  time.Time // the last row was read

	Err       error // what ended the query early: its client, yield or the database
	Started   bool  // yield was called
	FromYield bool  // Err is what yield returned
	Shared    bool  // other queries were in the batch, and may have caused Err
	Panic     any   // what yield panicked with
}

// NewQuery returns a query whose rows go to yield. ctx is that of its client.
func NewQuery(ctx context.Context, filter report.Filter, yield func(*report.Job) error) *Query {
	return &Query{ctx: ctx, filter: filter, yield: yield, Queued: time.Now()}
}

// turn tells a caller that waits what to do.
type turn int

const (
	finished turn = iota // the query has ended
	lead                 // lead a batch
)

// reset prepares a query for another attempt.
func (q *Query) reset() { q.turn, q.Err, q.Shared = nil, nil, false }

// finish wakes the caller that waits for the query, if any.
func (q *Query) finish() {
	q.Ended = time.Now()
	if q.turn != nil {
		q.turn <- finished
	}
}

// fail finishes a query that the batch did not answer because of err.
func (q *Query) fail(err error, shared bool) {
	if !q.FromYield {
		q.Err, q.Shared = err, shared
	}
	q.finish()
}

// read takes the two results of the query out of those of the batch. An error that it
// returns is one of the batch. yield's own error or panic ends this query alone.
func (q *Query) read(results *pgconn.MultiResultReader, decode func([][]byte, *report.Job) error, job *report.Job) (err error) {
	rows, err := rowsOf(results)
	if err != nil {
		return err
	}
	defer func() {
		q.Panic = recover()
		if _, closeErr := rows.Close(); err == nil { // after the rows that are left, if any
			err = closeErr
		}
	}()
	for q.Err == nil && rows.NextRow() {
		if q.Err = q.ctx.Err(); q.Err != nil {
			break
		}
		if err := decode(rows.Values(), job); err != nil {
			return err
		}
		q.Started = true
		if q.Err = q.yield(job); q.Err != nil {
			q.FromYield = true
		}
	}
	return nil
}

// rowsOf skips the result of the statement before the query, and returns the query's.
func rowsOf(results *pgconn.MultiResultReader) (*pgconn.ResultReader, error) {
	before, err := nextResult(results)
	if err != nil {
		return nil, err
	}
	if _, err := before.Close(); err != nil {
		return nil, err
	}
	return nextResult(results)
}

func nextResult(results *pgconn.MultiResultReader) (*pgconn.ResultReader, error) {
	if !results.NextResult() {
		if err := results.Close(); err != nil {
			return nil, err
		}
		return nil, ErrColumns
	}
	return results.ResultReader(), nil
}
