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

// AttemptStore records attempts, sweeps and purges. It implements report.Attempts and
// report.Sweeper on a pool whose sessions act as WorkerRole.
type AttemptStore struct {
	pool    *Pool
	queue   Queue
	timeout time.Duration
	now     Clock

	lastOutage atomic.Int64 // time of the last sweep that failed, in nanoseconds since 1970
	lostCheck  atomic.Int64 // time of the last look for lost entries, likewise
}

// NewAttemptStore returns a store on pool. timeout limits every transaction but Finish,
// which takes the time that its context leaves.
func NewAttemptStore(pool *Pool, queue Queue, timeout time.Duration, now Clock) *AttemptStore {
	return &AttemptStore{pool: pool, queue: queue, timeout: timeout, now: now}
}

// Begin implements report.Attempts.
func (s *AttemptStore) Begin(ctx context.Context, id report.JobID, entry int64) (a report.Attempt, err error) {
	a.JobID = id
	err = s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var free bool
		err := tx.QueryRow(ctx, `
			select j.report_class, j.parameters, a.due_at,
			       a.river_job_id = $2 and (j.status in ('SCHEDULED', 'QUEUED')
			           or j.status = 'RUNNING' and coalesce(a.heartbeat_at, j.started_at) < coalesce($3::timestamptz, now()) - $4::interval)
			  from report_job j join report_attempt a on a.job_id = j.id
			 where j.id = $1 for update`, uuidOf(id), entry, s.now.time(), report.HeartbeatTimeout).
			Scan(&a.ReportClass, &a.Parameters, &a.Due, &free)
		switch {
		case errors.Is(err, pgx.ErrNoRows) || err == nil && !free:
			return superseded("the entry of the queue is out of date")
		case err != nil:
			return err
		}
		if _, err := tx.Exec(ctx, `
			update report_job set status = 'RUNNING', started_at = greatest(coalesce($2::timestamptz, now()), created_at) where id = $1`,
			uuidOf(id), s.now.time()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			update report_attempt set attempt = attempt + 1, heartbeat_at = coalesce($2::timestamptz, now()), progress = null
			 where job_id = $1 returning attempt, attempt - uncounted`, uuidOf(id), s.now.time()).Scan(&a.Number, &a.Counted)
	})
	return a, err
}

// holdsJob is true for the job of an attempt ($1, $2) while the attempt is its latest one.
const holdsJob = `j.id = $1 and j.status = 'RUNNING' and exists (select from report_attempt a where a.job_id = j.id and a.attempt = $2)`

// Heartbeat implements report.Attempts.
func (s *AttemptStore) Heartbeat(ctx context.Context, a report.Attempt, progress string) error {
	return s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return changed(tx.Exec(ctx, `
			update report_attempt a set heartbeat_at = coalesce($3::timestamptz, now()), progress = nullif(left($4, 100), '')
			 where a.job_id = $1 and a.attempt = $2 and exists (select from report_job j where j.id = a.job_id and j.status = 'RUNNING')`,
			uuidOf(a.JobID), a.Number, s.now.time(), progress))
	})
}

// Finish implements report.Attempts. The result is at least one second younger than the
// placeholder, because clients compare whole seconds (RFC 9110, section 13.1.3).
func (s *AttemptStore) Finish(ctx context.Context, a report.Attempt, result report.Result) error {
	timeout := s.timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	err := s.pool.transact(ctx, timeout, func(ctx context.Context, tx pgx.Tx) error {
		var binary int64
		err := tx.QueryRow(ctx, `
			insert into report_binary_version (binary_id, version, content_type, last_updated, size, file_name)
			select b.id, 2, $2, greatest(coalesce($5::timestamptz, now()), date_trunc('second', b.created_at) + interval '1 second'), $3, nullif($4, '')
			  from report_binary b where b.job_id = $1 and b.deleted_at is null returning binary_id`,
			uuidOf(a.JobID), result.ContentType, result.Size, result.FileName, s.now.time()).Scan(&binary)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return superseded("the Binary is deleted")
		case err != nil:
			return err
		}
		if err := storePieces(ctx, tx, binary, result); err != nil {
			return err
		}
		return s.end(ctx, tx, a, false, `status = 'DONE', ended_at = greatest(coalesce($3::timestamptz, now()), j.started_at)`, s.now.time())
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23505" { // unique_violation
		return superseded("another attempt has stored the result")
	}
	return err
}

// Fail implements report.Attempts.
func (s *AttemptStore) Fail(ctx context.Context, a report.Attempt, reason string) error {
	return s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return s.end(ctx, tx, a, false, `status = 'FAILED', failure_reason = left(nullif($4, ''), 2000),
			ended_at = greatest(coalesce($3::timestamptz, now()), j.started_at)`, s.now.time(), storable(reason))
	})
}

// Release implements report.Attempts.
func (s *AttemptStore) Release(ctx context.Context, a report.Attempt, counted bool) error {
	return s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return s.end(ctx, tx, a, !counted, `status = 'QUEUED', started_at = null`)
	})
}

// end changes the job of an attempt, unless that is superseded, and marks the job as idle.
func (s *AttemptStore) end(ctx context.Context, tx pgx.Tx, a report.Attempt, uncounted bool, set string, values ...any) error {
	args := append([]any{uuidOf(a.JobID), a.Number}, values...)
	if err := changed(tx.Exec(ctx, `update report_job j set `+set+` where `+holdsJob, args...)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		update report_attempt set heartbeat_at = null, idle_since = coalesce($3::timestamptz, now()), progress = null,
		       uncounted = uncounted + $2::boolean::integer
		 where job_id = $1`, uuidOf(a.JobID), uncounted, s.now.time())
	return err
}

func (s *AttemptStore) transact(ctx context.Context, run func(context.Context, pgx.Tx) error) error {
	return s.pool.transact(ctx, s.timeout, run)
}

// storable replaces what Postgres cannot store in a text.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

func superseded(reason string) error {
	return &report.Error{Kind: report.Superseded, Cause: errors.New(reason)}
}

// changed returns Superseded for a statement that changed no row.
func changed(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return superseded("the job has ended, or a later attempt runs")
	}
	return err
}

// storePieces stores the data of version 2 and keeps one piece in memory. COPY would be
// faster, but ignores row-level security.
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
