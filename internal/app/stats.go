// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"time"

	"reporting/internal/auth"
	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// obs may know neither postgres nor auth, nor they it, so their figures are handed
// over here.

func poolStats(s postgres.Stats) telemetry.PoolStats {
	return telemetry.PoolStats{
		Max: s.Max, Total: s.Total, Idle: s.Idle, Acquired: s.Acquired, Acquires: s.AcquireCount,
		Waits: s.EmptyAcquireCount, GivenUp: s.CanceledAcquireCount, WaitTime: s.EmptyAcquireWait,
	}
}

func authStats(s auth.Stats) telemetry.AuthStats {
	out := telemetry.AuthStats{CacheHits: s.CacheHits, CacheMisses: s.CacheMisses, Cached: s.Cached}
	for _, i := range s.Issuers {
		out.Issuers = append(out.Issuers, telemetry.IssuerStats(i))
	}
	return out
}

// observeReading counts what became of a reading of jobs. Whoever reads may end it, which
// is no error of the database.
func (a *App) observeReading(r postgres.Reading) {
	a.metrics.ObserveReading(r.Wait, r.Query, r.Asked)
	failed, ok := errors.AsType[*report.Error](r.Err)
	if !ok {
		return
	}
	switch failed.Kind {
	case report.Unavailable:
		a.metrics.ObserveDatabaseError(telemetry.DatabaseUnavailable)
	case report.Timeout:
		a.metrics.ObserveDatabaseError(telemetry.DatabaseTimeout)
	case report.Internal:
		a.metrics.ObserveDatabaseError(telemetry.DatabaseInternal)
	case report.Disconnected, report.NotFound, report.Deleted, report.Superseded, report.LimitExceeded: // the client
	}
}

// measureJobs has the jobs in the table counted when somebody scrapes.
func (a *App) measureJobs(pool *postgres.Pool) {
	if a.config.JobMetricsInterval == 0 {
		return
	}
	running, stop := context.WithCancel(context.Background())
	a.cleanups.add("counting of jobs", time.Second, func(context.Context) error { // before the pool, which would wait for it
		stop()
		return nil
	})
	a.metrics.RegisterJobs(telemetry.JobOptions{
		Measure: func(ctx context.Context) (telemetry.JobStats, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(running, cancel)()
			figures, err := pool.JobCounts(ctx)
			return jobStats(figures), err
		},
		Interval: a.config.JobMetricsInterval, Timeout: a.config.StatementTimeout, Now: a.now, Log: a.log,
	})
}

func jobStats(f postgres.JobCounts) telemetry.JobStats {
	out := telemetry.JobStats{Jobs: map[string]int64{}, Oldest: map[string]time.Duration{}}
	for status, jobs := range f.Jobs {
		out.Jobs[string(status)] = jobs
	}
	for status, age := range f.Oldest {
		out.Oldest[string(status)] = age
	}
	for _, c := range f.Finished {
		out.Finished = append(out.Finished, telemetry.FinishedJobs{Status: string(c.Status), ReportClass: c.ReportClass, Jobs: c.Jobs})
	}
	return out
}
