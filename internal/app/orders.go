// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
)

// The intervals of the check of orders: until it succeeds, and after that.
const (
	ordersPause = 5 * time.Second
	ordersAgain = time.Minute
)

// watchOrders logs when the service can store no orders, and when it can again. It is not part of
// readiness: an instance that answers status requests stays in the load balancer.
func (a *App) watchOrders(ctx context.Context, pool *postgres.Pool) {
	a.cleanups.background(ctx, "check of orders", time.Second, func(ctx context.Context) error { // stops before the pool, which waits for its connections
		a.keepOrders(ctx, pool.CheckRequester)
		return nil
	})
}

func (a *App) keepOrders(ctx context.Context, check func(context.Context) error) {
	logged := ""
	for {
		err := check(ctx)
		switch kind := report.KindOf(err); {
		case err == nil && logged != "":
			logged = ""
			a.log.InfoContext(ctx, "orders work again")
		case err == nil:
		case kind != report.Internal || ctx.Err() != nil: // readiness reports an unreachable database
		case err.Error() != logged:
			logged = err.Error()
			a.log.ErrorContext(ctx, "orders do not work; status requests do", "error", logged)
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
