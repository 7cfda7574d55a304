// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// database is what the rest of the service needs of one, or of two.
type database struct {
	jobs        report.Jobs
	pool        *postgres.Pool // of the primary
	check       func(context.Context) error
	connections int // the most there are
}

func (a *App) openDatabase(ctx context.Context) (database, error) {
	timeout := a.config.StatementTimeout
	if a.config.DatabaseReplicaURL != "" {
		timeout /= 2 // one after the other
	}
	pool, health, err := a.openServer(ctx, "database", string(a.config.DatabaseURL))
	if err != nil {
		return database{}, err
	}
	a.measureJobs(pool)
	a.metrics.RegisterPool("reporting_db_pool_", func() telemetry.PoolStats { return poolStats(pool.Stats()) })
	primary := postgres.NewJobStore(pool, timeout)
	primary.Observe(a.observeReading)
	db := database{jobs: primary, pool: pool, check: health.Check, connections: int(pool.Stats().Max) + postgres.HealthConnections}
	if a.config.DatabaseReplicaURL == "" {
		return db, nil
	}

	pool, health, err = a.openServer(ctx, "replica", string(a.config.DatabaseReplicaURL))
	if err != nil {
		return database{}, err
	}
	replica := postgres.NewJobStore(pool, timeout)
	replica.Observe(a.observeReading)
	both := postgres.NewReplicated(primary, replica, health, a.log)
	a.watchReplica(ctx, both)
	a.metrics.RegisterPool("reporting_db_replica_pool_", func() telemetry.PoolStats { return poolStats(pool.Stats()) })
	a.metrics.RegisterReplica(func() telemetry.ReplicaStats { return telemetry.ReplicaStats(both.Stats()) })
	check := db.check
	db.jobs, db.connections = both, db.connections+int(pool.Stats().Max)+postgres.HealthConnections
	db.check = func(ctx context.Context) error { return both.Check(ctx, check) }
	return db, nil
}

// openServer prepares the connections to one server. It need not be there.
func (a *App) openServer(ctx context.Context, name, url string) (*postgres.Pool, *postgres.Health, error) {
	pool, err := postgres.Open(ctx, url, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	a.cleanups.add(name+" pool", stopLimit, pool.Close)
	health, err := postgres.NewHealth(ctx, url, a.now)
	if err != nil {
		return nil, nil, fmt.Errorf("%s health: %w", name, err)
	}
	a.cleanups.add(name+" health", stopLimit, health.Close)
	return pool, health, nil
}

func (a *App) watchReplica(ctx context.Context, both *postgres.Replicated) {
	a.cleanups.background(ctx, "replica watch", time.Second, func(ctx context.Context) error {
		both.Run(ctx)
		return nil
	})
}
