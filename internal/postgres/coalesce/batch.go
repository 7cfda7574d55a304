// SPDX-License-Identifier: Apache-2.0

package coalesce

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// runBatch sends a batch, reads its results, and finishes every query in it.
func (c *Coalescer) runBatch(batch []*Query) {
	ctx, cancel := whileWanted(batch)
	defer cancel()
	unread, err := batch, errAborted
	defer func() {
		// After a panic the other callers must not wait for ever, nor panic as well. Each
		// runs its query again, alone.
		if len(batch) > 1 {
			_ = recover()
		}
		for _, q := range unread {
			q.fail(err, len(batch) > 1)
		}
	}()
	conn, acquireErr := c.Acquire(ctx)
	if acquireErr != nil {
		err = acquireErr
		return
	}
	defer func() { c.Release(conn, err) }()
	ctx, cancelTimeout := context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
	defer cancelTimeout()
	results, sendErr := c.send(ctx, conn.Conn(), batch)
	if sendErr == nil {
		defer func() { _ = results.Close() }() // its errors are those of the rows
		var job report.Job
		for len(unread) > 0 && sendErr == nil {
			if sendErr = unread[0].read(results, c.Decode, &job); sendErr == nil {
				unread[0].finish()
				unread = unread[1:]
			}
		}
	}
	if err = sendErr; err != nil && errors.Is(context.Cause(ctx), ErrTimeout) {
		err = errors.Join(ErrTimeout, err)
	}
}

// whileWanted returns a context that ends when all clients of a batch have disconnected.
func whileWanted(batch []*Query) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(batch)))
	stops := make([]func() bool, 0, len(batch))
	for _, q := range batch {
		stops = append(stops, context.AfterFunc(q.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

func (c *Coalescer) send(ctx context.Context, conn *pgx.Conn, queries []*Query) (*pgconn.MultiResultReader, error) {
	var batch pgconn.Batch
	now := time.Now()
	for _, q := range queries {
		q.Sent = now
		if err := c.Queue(ctx, &batch, conn, q.filter); err != nil {
			return nil, err
		}
	}
	return conn.PgConn().ExecBatch(ctx, &batch), nil
}
