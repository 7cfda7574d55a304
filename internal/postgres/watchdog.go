// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync/atomic"
	"time"
)

// watchdog ends a query that stops making progress. It is not Postgres's own
// statement_timeout, because that counts the time in which a slow client takes
// the rows of a long list too, and because PgBouncer refuses it as a start-up
// parameter.
//
// Time runs only while the database is waited for. Until the first row it is
// exact; later a stall is noticed within one to two limits.
type watchdog struct {
	limit  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
	steps  atomic.Int64 // grows by one when a row arrives and by one when it is dealt with: odd while it is
	seen   int64        // steps at the last look; only the timer's function uses it
}

// watch starts a watchdog. stop must be called.
func watch(ctx context.Context, limit time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{limit: limit, cancel: cancel}
	w.timer = time.AfterFunc(limit, w.look)
	return ctx, w
}

func (w *watchdog) look() {
	steps := w.steps.Load()
	if steps == w.seen && steps%2 == 0 {
		w.cancel(errStalled)
		return
	}
	w.seen = steps
	w.timer.Reset(w.limit)
}

// step notes that a row has arrived, and the next call that it was dealt with.
func (w *watchdog) step() { w.steps.Add(1) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
