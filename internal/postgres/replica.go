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

// maxLag is how far a replica may be behind and still be asked first. A list that is
// older would show users that nothing happens.
const maxLag = 10 * time.Second

// replicaCheckTime is how often a replica is looked at.
const replicaCheckTime = time.Second

// Replicated reads jobs from a replica while that keeps up, and otherwise from the
// primary; from either when the other does not answer. It implements report.Jobs.
type Replicated struct {
	primary, replica *JobStore
	health           *Health // of the replica
	log              *slog.Logger

	fresh atomic.Bool
	away  atomic.Int64 // until when the primary is away, in nanoseconds since 1970; 0: it is not known to be
	lag   atomic.Int64 // nanoseconds; below zero: unknown
	reads [2]atomic.Int64
}

// ReplicaStats are figures of reading with a replica.
type ReplicaStats struct {
	Fresh                      bool          // it is asked first
	Lag                        time.Duration // below zero: unknown
	ReplicaReads, PrimaryReads int64         // readings answered by each
}

// NewReplicated returns a store on two. health is the replica's. Run has to be called.
func NewReplicated(primary, replica *JobStore, health *Health, log *slog.Logger) *Replicated {
	r := &Replicated{primary: primary, replica: replica, health: health, log: log}
	r.lag.Store(-1)
	return r
}

// Run looks after the replica until ctx ends.
func (r *Replicated) Run(ctx context.Context) {
	again := time.NewTicker(replicaCheckTime)
	defer again.Stop()
	told := "" // why it is not asked first, as far as the log knows
	for {
		lag, err := r.look(ctx)
		if ctx.Err() != nil {
			return
		}
		r.lag.Store(int64(lag))
		r.fresh.Store(err == nil)
		switch {
		case err == nil && told != "":
			r.log.InfoContext(ctx, "the replica is asked first again")
			told = ""
		case err != nil && told == "":
			told = err.Error()
			r.log.WarnContext(ctx, "the primary is asked first", "reason", told)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// look returns how far the replica is behind, and why it should not be asked first.
func (r *Replicated) look(ctx context.Context) (lag time.Duration, err error) {
	if err := r.health.Check(ctx); err != nil {
		return -1, fmt.Errorf("replica: %w", err)
	}
	lag, receives, err := r.health.lag(ctx)
	switch {
	case err != nil:
		return -1, errors.New("replica: it does not tell how far it is behind")
	case !receives:
		return -1, errors.New("replica: it does not hear from the primary")
	case lag > maxLag:
		return lag, fmt.Errorf("replica: it is more than %v behind", maxLag)
	}
	return lag, nil
}

// lag is how far the server is behind its primary, and whether it hears from it. A server
// that is no standby is never behind. One that has replayed all it received is not
// behind either, however long ago the last transaction was.
func (h *Health) lag(ctx context.Context) (behind time.Duration, receives bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return askLag(ctx, h.pool.pgx)
}

// errNoLag: there is something to replay, and nothing that was replayed since the start
// to tell the time from.
var errNoLag = errors.New("it has replayed nothing since it was started")

func askLag(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (behind time.Duration, receives bool, err error) {
	var seconds *float64
	err = conn.QueryRow(ctx, `
		select case when pg_is_in_recovery() and pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
		            then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) else 0 end::float8,
		       not pg_is_in_recovery() or exists (select from pg_stat_wal_receiver)`).Scan(&seconds, &receives)
	if err != nil {
		return 0, false, fmt.Errorf("ask for the lag: %w", err)
	}
	if seconds == nil {
		return 0, receives, errNoLag
	}
	return max(0, time.Duration(*seconds*float64(time.Second))), receives, nil
}

// EachJob implements report.Jobs. Each of the two has half of the time that a caller
// waits, when they were made with that.
func (r *Replicated) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	stores := [2]*JobStore{r.replica, r.primary}
	first := r.first(time.Now())
	begun := false
	see := func(job *report.Job) error {
		begun = true
		return yield(job)
	}
	err := stores[first].EachJob(ctx, filter, see)
	failed, ok := errors.AsType[*report.Error](err)
	if !ok || begun || failed.Kind == report.Disconnected {
		r.reads[first].Add(1)
		if first == 1 && err == nil && r.away.Load() != 0 {
			r.away.Store(0)
		}
		return err
	}
	if first == 0 {
		r.fresh.Store(false) // until the next look
	}
	if second := stores[1-first].EachJob(ctx, filter, see); second == nil || begun {
		r.reads[1-first].Add(1)
		if first == 1 {
			r.away.Store(time.Now().Add(replicaCheckTime).UnixNano())
		} else {
			r.away.Store(0)
		}
		return second
	}
	return err // the other was the second choice, and is no better
}

// first tells whom to ask first: 0 for the replica, 1 for the primary. One that does not
// answer may cost half of the limit to find out, so while the primary is known to be away
// somebody asks it first now and then, and everybody else the replica, fresh or not.
func (r *Replicated) first(now time.Time) int {
	if r.fresh.Load() {
		return 0
	}
	away := r.away.Load()
	if away == 0 || (now.UnixNano() >= away && r.away.CompareAndSwap(away, now.Add(replicaCheckTime).UnixNano())) {
		return 1
	}
	return 0
}

// Check returns nil as soon as one of the two can answer: primary is the other's check.
// It asks both at once, because one that is silent takes longer to find out than whoever
// probes the service may wait.
func (r *Replicated) Check(ctx context.Context, primary func(context.Context) error) error {
	ofPrimary, ofReplica := make(chan error, 1), make(chan error, 1)
	go func() { ofPrimary <- primary(ctx) }()
	go func() { ofReplica <- r.health.Check(ctx) }()
	select {
	case err := <-ofPrimary:
		if err == nil {
			return nil
		}
		if replica := <-ofReplica; replica != nil {
			return fmt.Errorf("primary: %w; replica: %w", err, replica)
		}
	case replica := <-ofReplica:
		if replica == nil {
			return nil
		}
		if err := <-ofPrimary; err != nil {
			return fmt.Errorf("primary: %w; replica: %w", err, replica)
		}
	}
	return nil
}

// Stats returns the figures.
func (r *Replicated) Stats() ReplicaStats {
	return ReplicaStats{
		Fresh: r.fresh.Load(), Lag: time.Duration(r.lag.Load()),
		ReplicaReads: r.reads[0].Load(), PrimaryReads: r.reads[1].Load(),
	}
}
