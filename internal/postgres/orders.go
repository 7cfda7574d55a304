// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

// Queue is the job queue, in the same database. worker/queue implements it.
type Queue interface {
	// Insert adds an entry for a job as part of a transaction. A worker starts it at due;
	// zero means as soon as a worker is free.
	Insert(ctx context.Context, tx pgx.Tx, id report.JobID, due time.Time) (entry int64, err error)
	// Replace cancels an entry, if there is one, and adds a new one. The new entry keeps the
	// position of the job before the jobs that are due later.
	Replace(ctx context.Context, tx pgx.Tx, old *int64, id report.JobID, due time.Time) (entry int64, err error)
	// Cancel takes an entry out of the queue. An entry that does not exist is no error.
	Cancel(ctx context.Context, tx pgx.Tx, entry int64) error
	// Stranded returns waiting jobs whose entry a worker took before a time and did not
	// begin, with these entries.
	Stranded(ctx context.Context, tx pgx.Tx, before time.Time, limit int) (map[report.JobID]int64, error)
	// Lost returns waiting jobs whose entry is deleted or has ended, with these entries; 0 is
	// none.
	Lost(ctx context.Context, tx pgx.Tx, limit int) (map[report.JobID]int64, error)
}

// OrderStore stores orders. It implements report.Orders.
type OrderStore struct {
	pool    *Pool
	queue   Queue
	timeout time.Duration
	now     Clock
}

// Clock returns the time that the database uses instead of its own, for tests. A nil Clock
// or a nil time means the database's clock.
type Clock func() *time.Time

func (c Clock) time() *time.Time {
	if c == nil {
		return nil
	}
	return c()
}

// orSystem returns the time of the Clock, or of the system's clock without one.
func (c Clock) orSystem() time.Time {
	if at := c.time(); at != nil {
		return *at
	}
	return time.Now()
}

// NewOrderStore returns a store on pool. timeout limits the transaction of an order.
func NewOrderStore(pool *Pool, queue Queue, timeout time.Duration, now Clock) *OrderStore {
	return &OrderStore{pool: pool, queue: queue, timeout: timeout, now: now}
}

const (
	// A lock serializes the orders of a user; otherwise concurrent orders would all see room
	// for one more. Users whose hashes are equal share a lock.
	lockUser        = `select pg_advisory_xact_lock('report_job'::regclass::oid::integer, hashtext($1))`
	countUnfinished = `
select count(*) from report_job j join report_attempt r on r.job_id = j.id
 where j.user_id = $1 and j.ended_at is null and j.status in ('SCHEDULED', 'QUEUED', 'RUNNING')`
	insertBinary = `
insert into report_binary (user_id, job_id, created_at) values ($1, $2, coalesce($3::timestamptz, now())) returning id, created_at`
	insertJob = `
insert into report_job (id, report_class, user_id, status, binary_reference, parameters, created_at)
values ($1, $2, $3, $4, 'Binary/' || $5::bigint, $6, $7)`
	insertPlaceholder = `
insert into report_binary_version (binary_id, version, content_type, source, last_updated, size) values ($1, 1, $2, $3, $4, $5)`
	insertPiece   = `insert into report_binary_piece (binary_id, version, number, data) values ($1, 1, 0, $2)`
	insertAttempt = `insert into report_attempt (job_id, due_at, river_job_id, idle_since) values ($1, $2, $3, $4)`
)

// Submit implements report.Orders.
func (o *OrderStore) Submit(ctx context.Context, order report.Order) (submitted report.Submission, err error) {
	submitted.JobID = report.JobID(uuid.New())
	submitted.Binary = report.Binary{
		Version: 1, UserID: order.UserID, ContentType: report.PlaceholderType, Source: order.Source, Size: int64(len(report.Placeholder)),
	}
	err = o.pool.transact(ctx, o.timeout, func(ctx context.Context, tx pgx.Tx) error { return o.submit(ctx, tx, order, &submitted) })
	return submitted, err
}

func (o *OrderStore) submit(ctx context.Context, tx pgx.Tx, order report.Order, submitted *report.Submission) error {
	b := &submitted.Binary
	id := uuidOf(submitted.JobID)
	var unfinished int
	var batch pgx.Batch
	batch.Queue(actFor, RequesterRole, order.UserID)
	batch.Queue(lockUser, order.UserID)
	batch.Queue(countUnfinished, order.UserID).QueryRow(func(row pgx.Row) error { return row.Scan(&unfinished) })
	batch.Queue(insertBinary, order.UserID, id, o.now.time()).QueryRow(func(row pgx.Row) error { return row.Scan(&b.ID, &b.LastUpdated) })
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if unfinished >= report.MaxUnfinishedJobs {
		return &report.Error{Kind: report.LimitExceeded, Cause: errors.New("the user has the maximum number of unfinished jobs")}
	}
	status, due := report.Queued, b.LastUpdated
	if !order.Due.IsZero() {
		status, due = report.Scheduled, order.Due
	}
	b.LastUpdated = b.LastUpdated.UTC()
	batch = pgx.Batch{}
	batch.Queue(insertJob, id, order.ReportClass, order.UserID, string(status), b.ID, string(order.Parameters), b.LastUpdated)
	batch.Queue(insertPlaceholder, b.ID, b.ContentType, order.Source, b.LastUpdated, b.Size)
	batch.Queue(insertPiece, b.ID, []byte(report.Placeholder))
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	entry, err := o.queue.Insert(ctx, tx, submitted.JobID, order.Due)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertAttempt, id, due, entry, b.LastUpdated)
	return err
}

const selectState = `
select j.report_class, j.status, coalesce(j.failure_reason, ''), r.due_at, coalesce(r.progress, ''), coalesce(b.id, 0)
  from report_job j
  join report_attempt r on r.job_id = j.id
  left join report_binary b on b.job_id = j.id and b.deleted_at is null
 where j.user_id = $1 and j.id = $2`

// State implements report.Orders.
func (o *OrderStore) State(ctx context.Context, userID string, id report.JobID) (state report.JobState, err error) {
	err = o.pool.ask(ctx, o.timeout, func(batch *pgx.Batch) {
		batch.Queue(SetUser, userID)
		batch.Queue(selectState, userID, uuidOf(id)).QueryRow(func(row pgx.Row) error {
			var due *time.Time
			err := row.Scan(&state.ReportClass, &state.Status, &state.FailureReason, &due, &state.Progress, &state.BinaryID)
			if due != nil {
				state.Due = *due
			}
			return err
		})
	})
	return state, err
}

// Cancel implements report.Orders.
func (o *OrderStore) Cancel(ctx context.Context, userID string, id report.JobID) error {
	return o.pool.ask(ctx, o.timeout, func(batch *pgx.Batch) {
		batch.Queue(actFor, RequesterRole, userID)
		batch.Queue(`select from report_job j join report_attempt r on r.job_id = j.id where j.user_id = $1 and j.id = $2`, userID, uuidOf(id)).QueryRow(func(row pgx.Row) error { return row.Scan() })
		batch.Queue(cancelJob, userID, uuidOf(id), o.now.time())
		batch.Queue(deleteBinary+`and job_id = $2`, userID, uuidOf(id), o.now.time())
		batch.Queue(deleteVersions+`and b.job_id = $2`, userID, uuidOf(id))
	})
}

// The statements that delete a result of a user ($1). They delete the Binary before its
// versions, as Purge does, so that the two do not deadlock.
const (
	cancelJob = `
update report_job set status = 'CANCELLED', ended_at = greatest(coalesce($3::timestamptz, now()), started_at, created_at)
 where user_id = $1 and id = $2 and status in ('SCHEDULED', 'QUEUED', 'RUNNING') and exists (select from report_attempt r where r.job_id = id)`
	deleteVersions = `delete from report_binary_version v using report_binary b where b.id = v.binary_id and b.user_id = $1 `
	deleteBinary   = `update report_binary set deleted_at = coalesce($3::timestamptz, now()) where user_id = $1 and deleted_at is null `
)

// uuidOf returns an id in a form that every query mode of pgx can encode.
func uuidOf(id report.JobID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// ask sends a batch as one round trip and one transaction.
func (p *Pool) ask(ctx context.Context, timeout time.Duration, fill func(*pgx.Batch)) error {
	return p.use(ctx, timeout, func(ctx context.Context, conn *pgx.Conn) error {
		var batch pgx.Batch
		fill(&batch)
		return conn.SendBatch(ctx, &batch).Close()
	})
}

// transact runs a transaction within a time limit.
func (p *Pool) transact(ctx context.Context, timeout time.Duration, run func(context.Context, pgx.Tx) error) error {
	return p.use(ctx, timeout, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return run(ctx, tx) })
	})
}

// use runs a function on a connection within a time limit and converts its error to an
// error of the domain.
func (p *Pool) use(ctx context.Context, timeout time.Duration, run func(context.Context, *pgx.Conn) error) error {
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	limited, cancel := context.WithTimeoutCause(ctx, timeout, errStalled)
	defer cancel()
	err = run(limited, conn.Conn())
	if _, known := errors.AsType[*report.Error](err); known || err == nil {
		return err
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &report.Error{Kind: report.NotFound, Cause: err}
	case errors.Is(context.Cause(limited), errStalled):
		err = errors.Join(errStalled, err)
	}
	return fmt.Errorf("database: %w", domainError(ctx, err))
}
