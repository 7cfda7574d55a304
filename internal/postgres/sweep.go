// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

const (
	// batchSize is the maximum number of jobs that one step of a sweep or purge changes.
	batchSize = 100
	// lostCheckInterval is the time between two looks for jobs without a live entry in the
	// queue. Such a look reads all waiting jobs. It finds what an operator deletes by hand.
	lostCheckInterval = time.Minute
)

// Sweep implements report.Sweeper. While the database was down, no worker could send a
// heartbeat. So for HeartbeatTimeout after an outage, Sweep requeues no job.
func (s *AttemptStore) Sweep(ctx context.Context, maxAttempts int) (result report.SweepResult, err error) {
	now := s.now.orSystem()
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if result.Promoted, err = s.promote(ctx, tx); err != nil {
			return err
		}
		if now.Sub(time.Unix(0, s.lastOutage.Load())) < report.HeartbeatTimeout {
			return nil
		}
		return s.recover(ctx, tx, maxAttempts, now, &result)
	})
	if report.KindOf(err).Retryable() {
		s.lastOutage.Store(s.now.orSystem().UnixNano())
	}
	if err != nil {
		return report.SweepResult{}, err
	}
	return result, nil
}

// promote marks due jobs as QUEUED. The queue starts them by itself. The lower bound keeps
// the index scan short; jobs that are older than that are started all the same.
func (s *AttemptStore) promote(ctx context.Context, tx pgx.Tx) (int64, error) {
	tag, err := tx.Exec(ctx, `
		update report_job set status = 'QUEUED' where id in (
		    select j.id from report_attempt a join report_job j on j.id = a.job_id
		     where a.attempt = 0 and a.due_at <= coalesce($1::timestamptz, now()) and a.due_at > coalesce($1::timestamptz, now()) - interval '7 days'
		       and j.status = 'SCHEDULED' and j.ended_at is null
		     limit $2 for update of j skip locked)`, s.now.time(), batchSize)
	return tag.RowsAffected(), err
}

// orphan is a job without a live worker and without an entry that starts one.
type orphan struct {
	id      pgtype.UUID
	running bool
	entry   *int64
	counted int // attempts
	due     time.Time
}

// currentEntry returns the job's entry in the queue; 0 is none.
func (o orphan) currentEntry() int64 {
	if o.entry == nil {
		return 0
	}
	return *o.entry
}

// recover requeues orphans, or fails those that have used maxAttempts. Orphans are running
// jobs whose heartbeat is overdue, and waiting jobs whose entry in the queue is stranded.
func (s *AttemptStore) recover(ctx context.Context, tx pgx.Tx, maxAttempts int, now time.Time, result *report.SweepResult) error {
	stranded, err := s.queue.Stranded(ctx, tx, now.Add(-report.HeartbeatTimeout), batchSize)
	if err != nil {
		return err
	}
	complete := false // whether this sweep sees all lost entries
	if now.Sub(time.Unix(0, s.lostCheck.Load())) >= lostCheckInterval {
		lost, err := s.queue.Lost(ctx, tx, batchSize)
		if err != nil {
			return err
		}
		complete = len(lost) < batchSize
		maps.Copy(stranded, lost)
	}
	ids := make([]pgtype.UUID, 0, len(stranded))
	for id := range stranded {
		ids = append(ids, uuidOf(id))
	}
	rows, _ := tx.Query(ctx, `
		select j.id, j.status = 'RUNNING', a.river_job_id, a.attempt - a.uncounted, a.due_at
		  from report_job j join report_attempt a on a.job_id = j.id
		 where j.ended_at is null
		   and (j.status = 'RUNNING' and coalesce(a.heartbeat_at, j.started_at) < coalesce($1::timestamptz, now()) - $2::interval
		        or j.status in ('SCHEDULED', 'QUEUED') and j.id = any ($3))
		 limit $4 for update of j, a skip locked`, s.now.time(), report.HeartbeatTimeout, ids, batchSize)
	orphans, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o orphan, err error) {
		return o, row.Scan(&o.id, &o.running, &o.entry, &o.counted, &o.due)
	})
	if err != nil {
		return err
	}
	if complete && len(orphans) < batchSize { // otherwise the next sweep looks again
		s.lostCheck.Store(now.UnixNano())
	}
	for _, o := range orphans {
		switch {
		case !o.running && stranded[report.JobID(o.id.Bytes)] != o.currentEntry():
			continue // another sweep was faster
		case o.running && o.counted >= maxAttempts:
			result.Failed++
			err = s.exhaust(ctx, tx, o)
		default:
			result.Requeued++
			err = s.requeue(ctx, tx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// requeue gives a job a new entry in the queue.
func (s *AttemptStore) requeue(ctx context.Context, tx pgx.Tx, o orphan) error {
	entry, err := s.queue.Replace(ctx, tx, o.entry, report.JobID(o.id.Bytes), o.due)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		update report_attempt set river_job_id = $2, heartbeat_at = null, idle_since = coalesce($3::timestamptz, now()), progress = null
		 where job_id = $1`, o.id, entry, s.now.time()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update report_job set status = 'QUEUED', started_at = null where id = $1 and status = 'RUNNING'`, o.id)
	return err
}

// exhaust fails a job whose workers died in all its attempts.
func (s *AttemptStore) exhaust(ctx context.Context, tx pgx.Tx, o orphan) error {
	if o.entry != nil {
		if err := s.queue.Cancel(ctx, tx, *o.entry); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		update report_job set status = 'FAILED', failure_reason = $2, ended_at = greatest(coalesce($3::timestamptz, now()), started_at)
		 where id = $1`, o.id, fmt.Sprintf("The worker stopped responding in each of %d attempts", o.counted), s.now.time())
	return err
}
