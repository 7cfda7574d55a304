// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
)

// database is what the rest of the service needs of a primary and, if there is one, its
// replica.
type database struct {
	jobs        report.Jobs
	pool        *postgres.Pool // of the primary
	check       func(context.Context) error
	connections int // limit of both
}

func (a *App) openDatabase(ctx context.Context) (database, error) {
	timeout := a.config.StatementTimeout
	if a.config.DatabaseReplicaURL != "" {
		timeout /= 2 // a read may try both servers, one after the other
	}
	pool, health, err := a.openServer(ctx, "database", string(a.config.DatabaseURL))
	if err != nil {
		return database{}, err
	}
	a.registerJobMetrics(pool)
	pool.Register(a.metrics.Registry, "reporting_db_pool_")
	metrics := postgres.NewReadMetrics(a.metrics.Registry)
	primary := postgres.NewJobStore(pool, timeout)
	primary.Instrument(metrics, a.log)
	db := database{jobs: primary, pool: pool, check: health.Check, connections: pool.MaxConnections() + postgres.HealthConnections}
	if a.config.DatabaseReplicaURL == "" {
		return db, nil
	}

	pool, health, err = a.openServer(ctx, "replica", string(a.config.DatabaseReplicaURL))
	if err != nil {
		return database{}, err
	}
	pool.Register(a.metrics.Registry, "reporting_db_replica_pool_")
	replica := postgres.NewJobStore(pool, timeout)
	replica.Instrument(metrics, a.log)
	both := postgres.NewReplicated(primary, replica, health, a.log)
	both.Register(a.metrics.Registry)
	a.cleanups.background(ctx, "replica check", time.Second, func(ctx context.Context) error {
		both.Run(ctx)
		return nil
	})
	check := db.check
	db.jobs, db.connections = both, db.connections+pool.MaxConnections()+postgres.HealthConnections
	db.check = func(ctx context.Context) error { return both.Check(ctx, check) }
	return db, nil
}

// openServer prepares the connections to one server, which need not run.
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

// registerJobMetrics makes a scrape count the jobs in the table, unless that is turned off.
func (a *App) registerJobMetrics(pool *postgres.Pool) {
	if a.config.JobMetricsInterval == 0 {
		return
	}
	running, stop := context.WithCancel(context.Background())
	a.cleanups.add("job metrics", time.Second, func(context.Context) error { // before the pool, which would wait for a count
		stop()
		return nil
	})
	postgres.RegisterJobMetrics(a.metrics.Registry, postgres.JobMetricsOptions{
		Count: func(ctx context.Context) (postgres.JobCounts, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(running, cancel)()
			return pool.JobCounts(ctx)
		},
		Interval: a.config.JobMetricsInterval, Timeout: a.config.StatementTimeout, Now: a.now, Log: a.log,
	})
}
