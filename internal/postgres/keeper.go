// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

// most is how many jobs are looked after in one transaction.
const most = 100

// Tend implements report.Keeper. Where the database was away, no worker could give a sign
// of life: for as long as they have for that, none is taken for dead.
func (r *AttemptStore) Sweep(ctx context.Context, attempts int) (t report.SweepResult, err error) {
	defer func() {
		if report.KindOf(err).Retryable() {
			r.away.Store(r.now.orSystem().UnixNano())
		}
	}()
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update report_job set status = 'QUEUED' where id in (
			    select j.id from report_attempt r join report_job j on j.id = r.job_id
			     where r.attempt = 0 and r.due_at <= coalesce($1::timestamptz, now()) and r.due_at > coalesce($1::timestamptz, now()) - interval '7 days'
			       and j.status = 'SCHEDULED' and j.ended_at is null
			     limit $2 for update of j skip locked)`, r.now.time(), most)
		t.Promoted = tag.RowsAffected()
		return err
	})
	if err != nil || r.now.orSystem().Sub(time.Unix(0, r.away.Load())) < report.HeartbeatTimeout {
		return t, err
	}
	return t, r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		if err := r.rescue(ctx, tx, attempts, &t); err != nil {
			return err
		}
		return r.recall(ctx, tx, &t)
	})
}

// stranded is a job that nobody is at, though its state says so, or that nobody will
// come for.
type stranded struct {
	id    pgtype.UUID
	entry *int64
	used  int // attempts
	due   time.Time
	waits bool // until it is due
}

func scanStranded(row pgx.CollectableRow) (s stranded, err error) {
	return s, row.Scan(&s.id, &s.entry, &s.used, &s.due, &s.waits)
}

// rescue sees to jobs whose worker is gone.
func (r *AttemptStore) rescue(ctx context.Context, tx pgx.Tx, attempts int, t *report.SweepResult) error {
	rows, _ := tx.Query(ctx, `
		select j.id, r.entry, r.attempt - r.uncounted, r.due_at, false
		  from report_job j join report_attempt r on r.job_id = j.id
		 where j.status = 'RUNNING' and j.ended_at is null and coalesce(r.heartbeat_at, j.started_at) < coalesce($1::timestamptz, now()) - $2::interval
		 limit $3 for update of j skip locked`, r.now.time(), report.HeartbeatTimeout, most)
	jobs, err := pgx.CollectRows(rows, scanStranded)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if job.used < attempts {
			t.Requeued++
			if _, err := tx.Exec(ctx, `update report_job set status = 'QUEUED', started_at = null where id = $1`, job.id); err != nil {
				return err
			}
			if err := r.replace(ctx, tx, job); err != nil {
				return err
			}
			continue
		}
		t.Failed++
		if err := r.drop(ctx, tx, job); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update report_job set status = 'FAILED', failure_reason = $2, ended_at = greatest(coalesce($3::timestamptz, now()), started_at)
			 where id = $1`, job.id, fmt.Sprintf("The worker that made it was gone, %d times", job.used), r.now.time()); err != nil {
			return err
		}
	}
	return nil
}

// recall sees to jobs that a worker has taken out of the queue and not begun, as one does
// that dies in between. To the queue it is at them still; so it is for a moment at those
// that were just handed back.
func (r *AttemptStore) recall(ctx context.Context, tx pgx.Tx, t *report.SweepResult) error {
	rows, _ := tx.Query(ctx, `
		select j.id, r.entry, r.attempt - r.uncounted, r.due_at, false
		  from river_job q join report_attempt r on r.job_id = (q.args->>'job_id')::uuid and r.entry = q.id
		  join report_job j on j.id = r.job_id
		 where q.state = 'running' and q.attempted_at < coalesce($1::timestamptz, now()) - $2::interval
		   and r.idle_since < coalesce($1::timestamptz, now()) - $2::interval
		   and j.status in ('SCHEDULED', 'QUEUED') and j.ended_at is null
		 limit $3 for update of j skip locked`, r.now.time(), report.HeartbeatTimeout, most)
	jobs, err := pgx.CollectRows(rows, scanStranded)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		t.Requeued++
		if err := r.replace(ctx, tx, job); err != nil {
			return err
		}
	}
	return nil
}

// replace gives a job a new entry in place of one that will not end.
func (r *AttemptStore) replace(ctx context.Context, tx pgx.Tx, job stranded) error {
	if err := r.drop(ctx, tx, job); err != nil {
		return err
	}
	return r.enqueue(ctx, tx, job)
}

func (r *AttemptStore) drop(ctx context.Context, tx pgx.Tx, job stranded) error {
	if job.entry == nil {
		return nil
	}
	return r.queue.Drop(ctx, tx, *job.entry)
}

// enqueue gives a job a new entry in the queue. It does not wait again behind those that
// came after it.
func (r *AttemptStore) enqueue(ctx context.Context, tx pgx.Tx, job stranded) error {
	var due time.Time
	if job.waits {
		due = job.due
	}
	entry, err := r.queue.Add(ctx, tx, report.JobID(job.id.Bytes), due)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update river_job set scheduled_at = least(scheduled_at, $2) where id = $1`, entry, job.due); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update report_attempt set entry = $2, heartbeat_at = null, idle_since = coalesce($3::timestamptz, now()), progress = null where job_id = $1`,
		job.id, entry, r.now.time())
	return err
}
