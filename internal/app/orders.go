// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
)

// How often it is looked whether orders can be taken: until they can, and from then on.
const (
	ordersPause = 5 * time.Second
	ordersAgain = time.Minute
)

// watchOrders says in the log when orders for reports cannot be taken, and when they can
// after all. It is no check of readiness: an instance that can tell how jobs are doing
// must not be taken out of balance because it can do nothing else.
func (a *App) watchOrders(ctx context.Context, pool *postgres.Pool) {
	a.cleanups.background(ctx, "check of orders", time.Second, func(ctx context.Context) error { // ends before the pool, which would wait for it
		a.keepOrders(ctx, pool.CheckRequester)
		return nil
	})
}

func (a *App) keepOrders(ctx context.Context, check func(context.Context) error) {
	said := ""
	for {
		err := check(ctx)
		switch kind := report.KindOf(err); {
		case err == nil && said != "":
			said = ""
			a.log.InfoContext(ctx, "reports can be ordered now")
		case err == nil:
		case kind != report.Internal || ctx.Err() != nil: // readiness tells of a database that is away
		case err.Error() != said:
			said = err.Error()
			a.log.ErrorContext(ctx, "reports cannot be ordered; everything else works", "error", said)
		}
		pause := ordersPause
		if err == nil {
			pause = ordersAgain
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
