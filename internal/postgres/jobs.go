// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/report"
)

// Jobs reads report jobs. It implements report.Jobs.
type Jobs struct {
	pool    *Pool
	timeout time.Duration
	query   string
}

// NewJobs returns a store on pool. timeout is how long the database may keep a
// caller waiting for rows.
func NewJobs(pool *Pool, timeout time.Duration) *Jobs {
	return &Jobs{pool: pool, timeout: timeout, query: selectJobs}
}

// retryWindow is how early a connection must be lost for a second try to be
// answered in time.
const retryWindow = 300 * time.Millisecond

// setUser tells the policies of the table whose rows may be seen, until the end of
// the transaction: that of the batch it is sent with. With false in place of true it
// would stay with the connection, for whoever uses that next.
const setUser = `select set_config('reporting.user_id', $1, true)`

const selectJobs = `
select id, report_class, user_id, status, coalesce(binary_reference, ''), parameters,
       created_at, started_at, ended_at
  from report_job
 where user_id = $1
   and ($2::text[] is null or status = any($2))
   and created_at >= coalesce($3::timestamptz, '-infinity')
 order by created_at desc, id
 limit $4::bigint`

// arguments are what selectJobs takes; null stands for no limit of that kind.
func arguments(filter report.Filter) []any {
	var since, count any
	if !filter.Since.IsZero() {
		since = filter.Since
	}
	if filter.Count > 0 {
		count = filter.Count
	}
	var statuses []string // nil, not empty: null
	for _, status := range filter.Statuses {
		statuses = append(statuses, string(status))
	}
	return []any{filter.UserID, statuses, since, count}
}

// EachJob implements report.Jobs.
func (j *Jobs) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	begin := time.Now()
	again, err := j.read(ctx, filter, yield)
	if again && time.Since(begin) < retryWindow {
		_, err = j.read(ctx, filter, yield)
	}
	return err
}

// read tells besides the error whether one more try makes sense: a pooled
// connection may have died since it was last used, as all do when the server
// restarts. After the first row it does not, because the caller has begun to
// answer.
func (j *Jobs) read(ctx context.Context, filter report.Filter, yield func(*report.Job) error) (again bool, err error) {
	conn, err := j.pool.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()

	query, dog := watch(ctx, j.timeout)
	defer dog.stop()
	// One batch is one round trip and one transaction.
	batch := &pgx.Batch{}
	batch.Queue(setUser, filter.UserID)
	batch.Queue(j.query, arguments(filter)...)
	results := conn.SendBatch(query, batch)
	defer func() { _ = results.Close() }() // its errors are those of the rows
	begun := false
	failed := func(err error) (bool, error) {
		return !begun && query.Err() == nil && lost(err), queryError(ctx, query, err)
	}
	if _, err := results.Exec(); err != nil {
		return failed(err)
	}
	rows, err := results.Query()
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	var job report.Job
	for rows.Next() {
		begun = true
		dog.step()
		if err := scan(rows, &job); err != nil {
			return failed(err)
		}
		if err := yield(&job); err != nil {
			return false, err
		}
		dog.step()
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return false, nil
}

// scan overwrites job with the current row.
func scan(rows pgx.Rows, job *report.Job) error {
	var started, ended *time.Time
	err := rows.Scan((*[16]byte)(&job.ID), &job.ReportClass, &job.UserID, (*string)(&job.Status),
		&job.BinaryReference, &job.Parameters, &job.Created, &started, &ended)
	job.Started, job.Ended = orZero(started), orZero(ended)
	return err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
