// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// question is one reading that may be asked together with others.
type query struct {
	ctx    context.Context //nolint:containedctx // each has a client of its own
	filter report.Filter
	yield  func(*report.Job) error

	turn     chan turn // nil for who need not wait
	since    time.Time // waiting for its turn
	asked    time.Time // sent; zero: not
	ended    time.Time // the last row was read
	begun    bool      // yield was called
	err      error     // what ended it
	again    bool      // err may have come from another question, or from this connection
	panicked any       // what yield panicked with: its owner's affair
}

// turn is what somebody who waits is told.
type turn int

const (
	answered turn = iota // the question was dealt with
	lead                 // lead a batch, your own question in it
)

// done tells who waits that the question was dealt with.
func (q *query) done() {
	q.ended = time.Now()
	if q.turn != nil {
		q.turn <- answered
	}
}

// fail deals with a question that a batch left over because of err. Alone, there was
// no other that err could come from. Once the caller has seen a row, there is no second
// try; and none without a connection, for which it was waited.
func (q *query) fail(err error, alone bool) {
	_, final := errors.AsType[*report.Error](err)
	switch {
	case q.ctx.Err() != nil:
		q.err = domainError(q.ctx, err)
	case final:
		q.err = err
	default:
		q.err = domainError(q.ctx, err)
		q.again = !q.begun && !errors.Is(err, errStalled) && (!alone || lost(err) || stale(err))
	}
	q.done()
}

// read takes its two results out of a batch's. The error is one of the batch.
func (q *query) read(results *pgconn.MultiResultReader, job *report.Job) error {
	rows, err := rowsOf(results)
	if err != nil {
		return err
	}
	for q.err == nil && q.panicked == nil && rows.NextRow() {
		if q.ctx.Err() != nil {
			q.err = domainError(q.ctx, q.ctx.Err())
			break
		}
		q.begun = true
		if err := decode(rows.Values(), job); err != nil {
			return err
		}
		q.call(job)
	}
	_, err = rows.Close() // the rest of the rows, if any
	return err
}

func (q *query) call(job *report.Job) {
	defer func() { q.panicked = recover() }()
	q.err = q.yield(job)
}

// rowsOf skips the result of SetUser, and returns the reader of that of the question.
func rowsOf(results *pgconn.MultiResultReader) (*pgconn.ResultReader, error) {
	set, err := next(results)
	if err != nil {
		return nil, err
	}
	if _, err := set.Close(); err != nil {
		return nil, err
	}
	return next(results)
}

// next returns the reader of a batch's next result.
func next(results *pgconn.MultiResultReader) (*pgconn.ResultReader, error) {
	if !results.NextResult() {
		if err := results.Close(); err != nil {
			return nil, err
		}
		return nil, errColumns
	}
	return results.ResultReader(), nil
}
