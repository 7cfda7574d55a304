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

// Tend implements report.Keeper.
func (r *Runs) Tend(ctx context.Context, attempts int) (t report.Tending, err error) {
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update report_job set status = 'QUEUED' where id in (
			    select j.id from report_job j join report_run r on r.job_id = j.id
			     where j.status = 'SCHEDULED' and j.ended_at is null and r.due_at <= coalesce($1::timestamptz, now())
			     limit $2 for update of j skip locked)`, r.now.time(), most)
		t.Queued = tag.RowsAffected()
		return err
	})
	if err != nil {
		return t, err
	}
	return t, r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error { return r.rescue(ctx, tx, attempts, &t) })
}

// stranded is a job that nobody is at, though its state says so, or that nobody will
// come for.
type stranded struct {
	id    pgtype.UUID
	entry *int64
	used  int        // attempts
	due   *time.Time // null: it may begin at once
}

// rescue sees to jobs whose worker is gone, or whose entry in the queue is.
func (r *Runs) rescue(ctx context.Context, tx pgx.Tx, attempts int, t *report.Tending) error {
	rows, _ := tx.Query(ctx, `
		select j.id, r.entry, r.attempt - r.excused
		  from report_job j join report_run r on r.job_id = j.id
		 where j.status = 'RUNNING' and j.ended_at is null and r.seen_at < coalesce($1::timestamptz, now()) - $2::interval
		 limit $3 for update of j skip locked`, r.now.time(), report.BeatsMissed, most)
	jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stranded, err error) {
		return s, row.Scan(&s.id, &s.entry, &s.used)
	})
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if job.entry != nil {
			if err := r.queue.Drop(ctx, tx, *job.entry); err != nil {
				return err
			}
		}
		if job.used >= attempts {
			t.Failed++
			if _, err := tx.Exec(ctx, `
				update report_job set status = 'FAILED', failure_reason = $2, ended_at = greatest(coalesce($3::timestamptz, now()), started_at)
				 where id = $1`, job.id, fmt.Sprintf("The worker that made it was gone, %d times", job.used), r.now.time()); err != nil {
				return err
			}
			continue
		}
		t.Rescued++
		if _, err := tx.Exec(ctx, `update report_job set status = 'QUEUED', started_at = null where id = $1`, job.id); err != nil {
			return err
		}
		if err := r.enqueue(ctx, tx, job); err != nil {
			return err
		}
	}
	return nil
}

// enqueue gives a job a new entry in the queue.
func (r *Runs) enqueue(ctx context.Context, tx pgx.Tx, job stranded) error {
	var due time.Time
	if job.due != nil {
		due = *job.due
	}
	entry, err := r.queue.Add(ctx, tx, report.JobID(job.id.Bytes), due)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update report_run set entry = $2, seen_at = null, progress = null where job_id = $1`, job.id, entry)
	return err
}

// Requeue implements report.Keeper.
func (r *Runs) Requeue(ctx context.Context) (requeued int64, err error) {
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			select j.id, case when j.status = 'SCHEDULED' then r.due_at end
			  from report_job j join report_run r on r.job_id = j.id
			 where j.status in ('SCHEDULED', 'QUEUED') and j.ended_at is null
			   and not exists (select from river_job q where q.id = r.entry and q.finalized_at is null)
			 limit $1 for update of j skip locked`, most)
		jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stranded, err error) { return s, row.Scan(&s.id, &s.due) })
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if err := r.enqueue(ctx, tx, job); err != nil {
				return err
			}
		}
		requeued = int64(len(jobs))
		return nil
	})
	return requeued, err
}

// Clear implements report.Keeper.
func (r *Runs) Clear(ctx context.Context, before time.Time) (c report.Cleared, err error) {
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			select id from report_job
			 where status = any ('{DONE,FAILED,CANCELLED}') and ended_at is not null and ended_at < $1
			 limit $2 for update skip locked`, before, most)
		jobs, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			update report_binary set deleted_at = coalesce($2::timestamptz, now())
			 where deleted_at is null and (job_id = any ($1) or id in (
			       select id from report_binary where job_id is null and deleted_at is null and created_at < $3 limit $4))
			returning id`, jobs, r.now.time(), before, most)
		results, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from report_binary_version where binary_id = any ($1)`, results); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from report_job where id = any ($1)`, jobs)
		c = report.Cleared{Jobs: int64(len(jobs)), Results: int64(len(results))}
		return err
	})
	return c, err
}
