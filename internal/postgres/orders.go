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

// Queue is where jobs wait for a worker, in the same database.
type Queue interface {
	// Add adds an entry for a job as part of a transaction. It is not begun before due;
	// zero means as soon as a worker is free.
	Add(ctx context.Context, tx pgx.Tx, id report.JobID, due time.Time) (entry int64, err error)
	// Drop takes back an entry that was begun and will not end.
	Drop(ctx context.Context, tx pgx.Tx, entry int64) error
}

// Orders takes orders for reports. It implements report.Orders.
type OrderStore struct {
	pool    *Pool
	queue   Queue
	timeout time.Duration
	now     Clock
}

// Clock tells the time in place of the database's, for tests; nil, or a nil time: the
// database's own.
type Clock func() *time.Time

func (c Clock) time() *time.Time {
	if c == nil {
		return nil
	}
	return c()
}

// orSystem is the time, by the system's clock where there is no other.
func (c Clock) orSystem() time.Time {
	if at := c.time(); at != nil {
		return *at
	}
	return time.Now()
}

// NewOrders returns a store on pool. timeout is how long the database may take for one
// order.
func NewOrderStore(pool *Pool, queue Queue, timeout time.Duration, now Clock) *OrderStore {
	return &OrderStore{pool: pool, queue: queue, timeout: timeout, now: now}
}

const (
	// Orders of a user are placed one after the other, or many at once would all see room
	// for one more. Users who share a number wait for each other, and no more than that.
	takeTurns       = `select pg_advisory_xact_lock('report_job'::regclass::oid::integer, hashtext($1))`
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
	insertPiece = `insert into report_binary_piece (binary_id, version, number, data) values ($1, 1, 0, $2)`
	insertRun   = `insert into report_attempt (job_id, due_at, entry, idle_since) values ($1, $2, $3, $4)`
)

// Place implements report.Orders.
func (o *OrderStore) Submit(ctx context.Context, order report.Order) (placed report.Submission, err error) {
	placed.JobID = report.JobID(uuid.New())
	placed.Binary = report.Binary{
		Version: 1, UserID: order.UserID, ContentType: report.PlaceholderType, Source: order.Source, Size: int64(len(report.Placeholder)),
	}
	err = o.pool.transact(ctx, o.timeout, func(ctx context.Context, tx pgx.Tx) error { return o.place(ctx, tx, order, &placed) })
	return placed, err
}

func (o *OrderStore) place(ctx context.Context, tx pgx.Tx, order report.Order, placed *report.Submission) error {
	b := &placed.Binary
	id := uuidOf(placed.JobID)
	var unfinished int
	var batch pgx.Batch
	batch.Queue(actFor, RequesterRole, order.UserID)
	batch.Queue(takeTurns, order.UserID)
	batch.Queue(countUnfinished, order.UserID).QueryRow(func(row pgx.Row) error { return row.Scan(&unfinished) })
	batch.Queue(insertBinary, order.UserID, id, o.now.time()).QueryRow(func(row pgx.Row) error { return row.Scan(&b.ID, &b.LastUpdated) })
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if unfinished >= report.MaxUnfinishedJobs {
		return &report.Error{Kind: report.LimitExceeded, Cause: errors.New("the user has many unfinished jobs")}
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
	entry, err := o.queue.Add(ctx, tx, placed.JobID, order.Due)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertRun, id, due, entry, b.LastUpdated)
	return err
}

const selectStage = `
select j.report_class, j.status, coalesce(j.failure_reason, ''), r.due_at, coalesce(r.progress, ''), coalesce(b.id, 0)
  from report_job j
  join report_attempt r on r.job_id = j.id
  left join report_binary b on b.job_id = j.id and b.deleted_at is null
 where j.user_id = $1 and j.id = $2`

// Stage implements report.Orders.
func (o *OrderStore) State(ctx context.Context, userID string, id report.JobID) (stage report.JobState, err error) {
	err = o.pool.ask(ctx, o.timeout, func(batch *pgx.Batch) {
		batch.Queue(SetUser, userID)
		batch.Queue(selectStage, userID, uuidOf(id)).QueryRow(func(row pgx.Row) error {
			var due *time.Time
			err := row.Scan(&stage.ReportClass, &stage.Status, &stage.FailureReason, &due, &stage.Progress, &stage.BinaryID)
			if due != nil {
				stage.Due = *due
			}
			return err
		})
	})
	return stage, err
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

// What deleting a result does, for one user's ($1): the Binary before its versions, as
// retention does, so that none of the two waits for the other.
const (
	cancelJob = `
update report_job set status = 'CANCELLED', ended_at = greatest(coalesce($3::timestamptz, now()), started_at, created_at)
 where user_id = $1 and id = $2 and status in ('SCHEDULED', 'QUEUED', 'RUNNING') and exists (select from report_attempt r where r.job_id = id)`
	deleteVersions = `delete from report_binary_version v using report_binary b where b.id = v.binary_id and b.user_id = $1 `
	deleteBinary   = `update report_binary set deleted_at = coalesce($3::timestamptz, now()) where user_id = $1 and deleted_at is null `
)

// uuidOf is an id in a form that every way of sending statements knows to write.
func uuidOf(id report.JobID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// ask sends a batch, which is one round trip and one transaction.
func (p *Pool) ask(ctx context.Context, timeout time.Duration, fill func(*pgx.Batch)) error {
	return p.use(ctx, timeout, func(ctx context.Context, conn *pgx.Conn) error {
		var batch pgx.Batch
		fill(&batch)
		return conn.SendBatch(ctx, &batch).Close()
	})
}

// transact runs a transaction.
func (p *Pool) transact(ctx context.Context, timeout time.Duration, run func(context.Context, pgx.Tx) error) error {
	return p.use(ctx, timeout, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return run(ctx, tx) })
	})
}

// use lends a connection for so long, and makes errors the domain's.
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
