// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

// Requeue implements report.Keeper.
func (r *AttemptStore) Requeue(ctx context.Context) (requeued int64, err error) {
	for {
		n, err := r.requeueSome(ctx)
		requeued += n
		if err != nil || n < most {
			return requeued, err
		}
	}
}

func (r *AttemptStore) requeueSome(ctx context.Context) (requeued int64, err error) {
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			select j.id, r.entry, r.attempt - r.uncounted, r.due_at, j.status = 'SCHEDULED'
			  from report_job j join report_attempt r on r.job_id = j.id
			 where j.status in ('SCHEDULED', 'QUEUED') and j.ended_at is null
			   and not exists (select from river_job q where q.id = r.entry and q.finalized_at is null)
			 limit $1 for update of j skip locked`, most)
		jobs, err := pgx.CollectRows(rows, scanStranded)
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
func (r *AttemptStore) Purge(ctx context.Context, before time.Time) (c report.PurgeResult, err error) {
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			select id from report_job
			 where status = any ('{DONE,FAILED,CANCELLED}') and ended_at is not null and ended_at < $1
			 limit $2 for update skip locked`, before, most)
		jobs, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
		if err != nil {
			return err
		}
		// Two questions, each with an index of its own.
		rows, _ = tx.Query(ctx, `
			update report_binary set deleted_at = coalesce($2::timestamptz, now())
			 where deleted_at is null and job_id = any ($1) returning id`, jobs, r.now.time())
		results, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			update report_binary set deleted_at = coalesce($2::timestamptz, now()) where id = any (array(
			       select id from report_binary where job_id is null and deleted_at is null and created_at < $1 limit $3))
			returning id`, before, r.now.time(), most)
		orphans, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		results = append(results, orphans...)
		if _, err := tx.Exec(ctx, `delete from report_binary_version where binary_id = any ($1)`, results); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from report_job where id = any ($1)`, jobs)
		c = report.PurgeResult{Jobs: int64(len(jobs)), Results: int64(len(results))}
		return err
	})
	return c, err
}
