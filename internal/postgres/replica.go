// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/report"
)

const (
	// maxLag is the lag up to which the replica is preferred. With an older list, users
	// would think that their reports make no progress.
	maxLag = 10 * time.Second
	// replicaInterval is how often the replica is checked, and how often a primary that is
	// away is tried again.
	replicaInterval = time.Second
)

// Replicated reads jobs from a replica while its lag is small, and otherwise from the
// primary. When the preferred server fails, it reads from the other one. It implements
// report.Jobs.
type Replicated struct {
	primary, replica *JobStore
	health           *Health // of the replica
	log              *slog.Logger
	interval         time.Duration

	fresh atomic.Bool
	// retryPrimary is when a primary that is away is tried again, in nanoseconds since
	// 1970. It is zero while the primary answers.
	retryPrimary atomic.Int64
	lag          atomic.Int64 // nanoseconds; below zero: unknown
	reads        [2]atomic.Int64
}

// The indexes of the two servers.
const (
	onReplica = 0
	onPrimary = 1
)

// ReplicaStats are figures of the reads with a replica.
type ReplicaStats struct {
	Fresh                      bool          // the replica is preferred
	Lag                        time.Duration // below zero: unknown
	ReplicaReads, PrimaryReads int64         // reads that each server answered
}

// NewReplicated returns a store on two servers. health is the replica's. Run checks the
// replica; until then the primary is preferred.
func NewReplicated(primary, replica *JobStore, health *Health, log *slog.Logger) *Replicated {
	r := &Replicated{primary: primary, replica: replica, health: health, log: log, interval: replicaInterval}
	r.lag.Store(-1)
	return r
}

// Run checks the replica periodically until ctx ends. It logs when the preferred server
// changes.
func (r *Replicated) Run(ctx context.Context) {
	next := time.NewTicker(r.interval)
	defer next.Stop()
	reason := "" // why the primary is preferred, as logged
	for {
		lag, err := r.checkReplica(ctx)
		if ctx.Err() != nil {
			return
		}
		r.lag.Store(int64(lag))
		r.fresh.Store(err == nil)
		switch {
		case err == nil && reason != "":
			r.log.InfoContext(ctx, "reading from the replica again")
			reason = ""
		case err != nil && reason == "":
			reason = err.Error()
			r.log.WarnContext(ctx, "reading from the primary", "reason", reason)
		}
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
	}
}

// checkReplica returns the lag of the replica, and an error if it is not to be preferred.
func (r *Replicated) checkReplica(ctx context.Context) (lag time.Duration, err error) {
	if err := r.health.Check(ctx); err != nil {
		return -1, fmt.Errorf("replica: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	lag, receives, err := readLag(ctx, r.health.pool.pgx)
	switch {
	case err != nil:
		return -1, errors.New("replica: its lag is unknown")
	case !receives:
		return -1, errors.New("replica: it is not connected to the primary")
	case lag > maxLag:
		return lag, fmt.Errorf("replica: its lag is more than %v", maxLag)
	}
	return lag, nil
}

// errNoLag means that the server has transactions to replay and has replayed none since its
// start, so that no time of one is known.
var errNoLag = errors.New("the server has replayed nothing since its start")

// readLag returns how far the server is behind its primary, and whether it is connected to
// it. A server that is no standby has no lag. Neither has one that has replayed all it
// received, however long ago the last transaction was. After a start the received position
// is the beginning of a WAL segment, and so before the replayed one.
func readLag(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (lag time.Duration, receives bool, err error) {
	var seconds *float64
	err = conn.QueryRow(ctx, `
		select case when pg_is_in_recovery() and coalesce(pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn(), true)
		            then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) else 0 end::float8,
		       not pg_is_in_recovery() or exists (select from pg_stat_wal_receiver)`).Scan(&seconds, &receives)
	if err != nil {
		return 0, false, fmt.Errorf("read replication lag: %w", err)
	}
	if seconds == nil {
		return 0, receives, errNoLag
	}
	return max(0, time.Duration(*seconds*float64(time.Second))), receives, nil
}

// EachJob implements report.Jobs. The timeout of each store is half of what a client waits.
func (r *Replicated) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	stores := [2]*JobStore{onReplica: r.replica, onPrimary: r.primary}
	first := r.prefer(time.Now())
	started := false
	observe := func(job *report.Job) error {
		started = true
		return yield(job)
	}
	err := stores[first].EachJob(ctx, filter, observe)
	failed, ok := errors.AsType[*report.Error](err)
	if !ok || started || failed.Kind == report.Disconnected {
		r.reads[first].Add(1)
		if first == onPrimary && err == nil && r.retryPrimary.Load() != 0 {
			r.retryPrimary.Store(0)
		}
		return err
	}
	if first == onReplica {
		r.fresh.Store(false) // until the next check
	}
	if other := stores[1-first].EachJob(ctx, filter, observe); other == nil || started {
		r.reads[1-first].Add(1)
		if first == onPrimary {
			r.retryPrimary.Store(time.Now().Add(r.interval).UnixNano())
		} else {
			r.retryPrimary.Store(0)
		}
		return other
	}
	return err
}

// prefer returns the server to read from first. A server that does not answer costs half of
// the time that a client waits. So while the primary is away, one read in each interval tries
// it first, and all others read from the replica, fresh or not.
func (r *Replicated) prefer(now time.Time) int {
	if r.fresh.Load() {
		return onReplica
	}
	retry := r.retryPrimary.Load()
	if retry == 0 || (now.UnixNano() >= retry && r.retryPrimary.CompareAndSwap(retry, now.Add(r.interval).UnixNano())) {
		return onPrimary
	}
	return onReplica
}

// Check returns nil as soon as one of the servers can serve reads. primary is the check of
// the primary. Both run at once, because a probe of the service does not wait long enough
// for two servers that do not answer.
func (r *Replicated) Check(ctx context.Context, primary func(context.Context) error) error {
	primaryResult, replicaResult := make(chan error, 1), make(chan error, 1)
	go func() { primaryResult <- primary(ctx) }()
	go func() { replicaResult <- r.health.Check(ctx) }()
	var primaryErr, replicaErr error
	select {
	case primaryErr = <-primaryResult:
		if primaryErr != nil {
			replicaErr = <-replicaResult
		}
	case replicaErr = <-replicaResult:
		if replicaErr != nil {
			primaryErr = <-primaryResult
		}
	}
	if primaryErr == nil || replicaErr == nil {
		return nil
	}
	return fmt.Errorf("primary: %w; replica: %w", primaryErr, replicaErr)
}

// Stats returns the figures.
func (r *Replicated) Stats() ReplicaStats {
	return ReplicaStats{
		Fresh: r.fresh.Load(), Lag: time.Duration(r.lag.Load()),
		ReplicaReads: r.reads[onReplica].Load(), PrimaryReads: r.reads[onPrimary].Load(),
	}
}
