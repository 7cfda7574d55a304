// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// Runs notes how the making of reports goes. It implements report.Runs and
// report.Keeper, on a pool whose sessions act as WorkerRole.
type AttemptStore struct {
	pool    *Pool
	queue   Queue
	timeout time.Duration
	now     Clock
	away    atomic.Int64 // when jobs could not be looked after last, in nanoseconds since 1970
}

// NewRuns returns a store on pool. timeout is how long the database may take for what is
// small; a result has the time that its writer has.
func NewAttemptStore(pool *Pool, queue Queue, timeout time.Duration, now Clock) *AttemptStore {
	return &AttemptStore{pool: pool, queue: queue, timeout: timeout, now: now}
}

// Begin implements report.Runs.
func (r *AttemptStore) Begin(ctx context.Context, id report.JobID, entry int64) (run report.Attempt, err error) {
	run.JobID = id
	err = r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		var free bool
		if err := tx.QueryRow(ctx, `
			select j.report_class, j.parameters, r.due_at,
			       r.entry = $2 and (j.status in ('SCHEDULED', 'QUEUED')
			           or j.status = 'RUNNING' and coalesce(r.heartbeat_at, j.started_at) < coalesce($3::timestamptz, now()) - $4::interval)
			  from report_job j join report_attempt r on r.job_id = j.id
			 where j.id = $1 for update`, uuidOf(id), entry, r.now.time(), report.HeartbeatTimeout).
			Scan(&run.ReportClass, &run.Parameters, &run.Due, &free); errors.Is(err, pgx.ErrNoRows) || err == nil && !free {
			return overtaken("there is nothing to do for this entry")
		} else if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update report_job set status = 'RUNNING', started_at = greatest(coalesce($2::timestamptz, now()), created_at) where id = $1`,
			uuidOf(id), r.now.time()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			update report_attempt set attempt = attempt + 1, heartbeat_at = coalesce($2::timestamptz, now()), progress = null
			 where job_id = $1 returning attempt, attempt - uncounted`, uuidOf(id), r.now.time()).Scan(&run.Number, &run.Counted)
	})
	return run, err
}

// isRun holds for the job of a run ($1) as long as that is its latest attempt ($2).
const isRun = `j.id = $1 and j.status = 'RUNNING' and exists (select from report_attempt r where r.job_id = j.id and r.attempt = $2)`

// Beat implements report.Runs.
func (r *AttemptStore) Heartbeat(ctx context.Context, run report.Attempt, progress string) error {
	return r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		return one(tx.Exec(ctx, `
			update report_attempt r set heartbeat_at = coalesce($3::timestamptz, now()), progress = nullif(left($4, 100), '')
			 where r.job_id = $1 and r.attempt = $2 and exists (select from report_job j where j.id = r.job_id and j.status = 'RUNNING')`,
			uuidOf(run.JobID), run.Number, r.now.time(), progress))
	})
}

// Finish implements report.Runs. The time of the result is in a later second than that of
// the placeholder: clients compare whole ones (RFC 9110, section 13.1.3).
func (r *AttemptStore) Finish(ctx context.Context, run report.Attempt, result report.Result) error {
	deadline, limited := ctx.Deadline()
	timeout := r.timeout
	if limited {
		timeout = time.Until(deadline)
	}
	err := r.pool.transact(ctx, timeout, func(ctx context.Context, tx pgx.Tx) error {
		var binary int64
		if err := tx.QueryRow(ctx, `
			insert into report_binary_version (binary_id, version, content_type, last_updated, size, file_name)
			select b.id, 2, $2, greatest(coalesce($5::timestamptz, now()), date_trunc('second', b.created_at) + interval '1 second'), $3, nullif($4, '')
			  from report_binary b where b.job_id = $1 and b.deleted_at is null returning binary_id`,
			uuidOf(run.JobID), result.ContentType, result.Size, result.FileName, r.now.time()).Scan(&binary); errors.Is(err, pgx.ErrNoRows) {
			return overtaken("the Binary was deleted")
		} else if err != nil {
			return err
		}
		if err := storePieces(ctx, tx, binary, result); err != nil {
			return err
		}
		if err := one(tx.Exec(ctx, `
			update report_job j set status = 'DONE', ended_at = greatest(coalesce($3::timestamptz, now()), j.started_at) where `+isRun,
			uuidOf(run.JobID), run.Number, r.now.time())); err != nil {
			return err
		}
		return r.rest(ctx, tx, run, false)
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23505" { // unique_violation
		return overtaken("another attempt has finished")
	}
	return err
}

// Fail implements report.Runs.
func (r *AttemptStore) Fail(ctx context.Context, run report.Attempt, reason string) error {
	return r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `
			update report_job j set status = 'FAILED', failure_reason = left(nullif($4, ''), 2000),
			       ended_at = greatest(coalesce($3::timestamptz, now()), j.started_at) where `+isRun,
			uuidOf(run.JobID), run.Number, r.now.time(), storable(reason))); err != nil {
			return err
		}
		return r.rest(ctx, tx, run, false)
	})
}

// storable is text as Postgres takes it.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

// HandBack implements report.Runs.
func (r *AttemptStore) Release(ctx context.Context, run report.Attempt, counts bool) error {
	return r.pool.transact(ctx, r.timeout, func(ctx context.Context, tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `update report_job j set status = 'QUEUED', started_at = null where `+isRun,
			uuidOf(run.JobID), run.Number)); err != nil {
			return err
		}
		return r.rest(ctx, tx, run, !counts)
	})
}

// rest notes that nobody is at a job.
func (r *AttemptStore) rest(ctx context.Context, tx pgx.Tx, run report.Attempt, uncounted bool) error {
	_, err := tx.Exec(ctx, `
		update report_attempt set heartbeat_at = null, idle_since = coalesce($3::timestamptz, now()), progress = null, uncounted = uncounted + $2::boolean::integer
		 where job_id = $1`, uuidOf(run.JobID), uncounted, r.now.time())
	return err
}

func overtaken(why string) error {
	return &report.Error{Kind: report.Superseded, Cause: errors.New(why)}
}

// one makes an error of a statement that has changed nothing.
func one(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return overtaken("the job is somebody else's, or has ended")
	}
	return err
}

// storePieces stores the data of version 2, one piece in memory at a time. COPY would be
// quicker, and knows no row-level security.
func storePieces(ctx context.Context, tx pgx.Tx, binary int64, result report.Result) error {
	buffer := make([]byte, min(report.PieceSize, max(0, result.Size)))
	for number, left := 0, result.Size; left > 0; number++ {
		piece := buffer[:min(int64(len(buffer)), left)]
		if _, err := io.ReadFull(result.Data, piece); err != nil {
			return fmt.Errorf("read result: %w", err)
		}
		if _, err := tx.Exec(ctx, `insert into report_binary_piece (binary_id, version, number, data) values ($1, 2, $2, $3)`,
			binary, number, piece); err != nil {
			return err
		}
		left -= int64(len(piece))
	}
	return nil
}
