// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

// Purge implements report.Sweeper. It deletes a Binary before its versions, as users do, so
// that the two do not deadlock.
func (s *AttemptStore) Purge(ctx context.Context, before time.Time) (result report.PurgeResult, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			select id from report_job
			 where status = any ('{DONE,FAILED,CANCELLED}') and ended_at is not null and ended_at < $1
			 limit $2 for update skip locked`, before, batchSize)
		jobs, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
		if err != nil {
			return err
		}
		// Two statements, because each uses an index of its own.
		rows, _ = tx.Query(ctx, `
			update report_binary set deleted_at = coalesce($2::timestamptz, now())
			 where deleted_at is null and job_id = any ($1) returning id`, jobs, s.now.time())
		binaries, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			update report_binary set deleted_at = coalesce($2::timestamptz, now()) where id = any (array(
			       select id from report_binary where job_id is null and deleted_at is null and created_at < $1 limit $3))
			returning id`, before, s.now.time(), batchSize)
		orphaned, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		binaries = append(binaries, orphaned...)
		if _, err := tx.Exec(ctx, `delete from report_binary_version where binary_id = any ($1)`, binaries); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from report_job where id = any ($1)`, jobs)
		result = report.PurgeResult{Jobs: int64(len(jobs)), Binaries: int64(len(binaries))}
		return err
	})
	return result, err
}
