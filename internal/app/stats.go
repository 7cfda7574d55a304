// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"time"

	"reporting/internal/auth"
	"reporting/internal/obs"
	"reporting/internal/postgres"
	"reporting/internal/report"
)

// obs may know neither postgres nor auth, nor they it, so their figures are handed
// over here.

func poolStats(s postgres.Stats) obs.PoolStats {
	return obs.PoolStats{
		Max: s.Max, Total: s.Total, Idle: s.Idle, Acquired: s.Acquired, Acquires: s.AcquireCount,
		Waits: s.EmptyAcquireCount, GivenUp: s.CanceledAcquireCount, WaitTime: s.EmptyAcquireWait,
	}
}

func authStats(s auth.Stats) obs.AuthStats {
	out := obs.AuthStats{CacheHits: s.CacheHits, CacheMisses: s.CacheMisses, Cached: s.Cached}
	for _, i := range s.Issuers {
		out.Issuers = append(out.Issuers, obs.IssuerStats(i))
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
		a.metrics.ObserveDatabaseError(obs.DatabaseUnavailable)
	case report.Timeout:
		a.metrics.ObserveDatabaseError(obs.DatabaseTimeout)
	case report.Internal:
		a.metrics.ObserveDatabaseError(obs.DatabaseInternal)
	case report.Gone, report.NotFound, report.Deleted, report.Lost, report.Excess: // the client
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
	a.metrics.RegisterJobs(obs.JobOptions{
		Measure: func(ctx context.Context) (obs.JobStats, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(running, cancel)()
			figures, err := pool.Figures(ctx)
			return jobStats(figures), err
		},
		Interval: a.config.JobMetricsInterval, Timeout: a.config.StatementTimeout, Now: a.now, Log: a.log,
	})
}

func jobStats(f postgres.Figures) obs.JobStats {
	out := obs.JobStats{Jobs: map[string]int64{}, Oldest: map[string]time.Duration{}}
	for status, jobs := range f.Jobs {
		out.Jobs[string(status)] = jobs
	}
	for status, age := range f.Oldest {
		out.Oldest[string(status)] = age
	}
	for _, c := range f.Finished {
		out.Finished = append(out.Finished, obs.FinishedJobs{Status: string(c.Status), ReportClass: c.ReportClass, Jobs: c.Jobs})
	}
	return out
}
