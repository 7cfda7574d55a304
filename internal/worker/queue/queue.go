// SPDX-License-Identifier: Apache-2.0

// Package queue is the job queue: River, in the same database and in a schema of its own. It
// is the only package that knows River and its tables. Its entries hold ids of jobs and
// nothing else; report_job and report_attempt hold the state of a job.
//
// internal/postgres imports it for the migration, internal/app for the rest.
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"reporting/internal/report"
)

const (
	// Schema is the Postgres schema of River's tables.
	Schema = "reporting_river"
	// name is the name of the queue in River.
	name = "reporting"
	// maxAttempts is how often River starts an entry. It is high, because report_attempt
	// counts the attempts of a job, over all its entries.
	maxAttempts = 100
)

// args are the arguments of an entry.
type args struct {
	JobID uuid.UUID `json:"job_id"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "report" }

// Queue inserts and cancels entries. It implements postgres.Queue.
type Queue struct {
	client *river.Client[pgx.Tx]
	now    func() time.Time
}

// New returns the queue. now is the clock; nil means the system's.
func New(now func() time.Time) (*Queue, error) {
	config := &river.Config{Schema: Schema, SkipUnknownJobCheck: true}
	if now != nil {
		config.Test.Time = clock(now)
	} else {
		now = time.Now
	}
	client, err := river.NewClient(riverpgxv5.New(nil), config)
	if err != nil {
		return nil, fmt.Errorf("create queue: %w", err)
	}
	return &Queue{client: client, now: now}, nil
}

// Insert implements postgres.Queue.
func (q *Queue) Insert(ctx context.Context, tx pgx.Tx, id report.JobID, due time.Time) (entry int64, err error) {
	options := &river.InsertOpts{Queue: name, MaxAttempts: maxAttempts, ScheduledAt: due}
	inserted, err := q.client.InsertTx(ctx, tx, args{JobID: uuid.UUID(id)}, options)
	if err != nil {
		return 0, fmt.Errorf("insert entry: %w", err)
	}
	return inserted.Job.ID, nil
}

// Replace implements postgres.Queue. An entry that is overdue is available at once: River
// itself makes every entry with a due time wait for its scheduler.
func (q *Queue) Replace(ctx context.Context, tx pgx.Tx, old *int64, id report.JobID, due time.Time) (entry int64, err error) {
	if old != nil {
		if err := q.Cancel(ctx, tx, *old); err != nil {
			return 0, err
		}
	}
	if due.After(q.now()) {
		return q.Insert(ctx, tx, id, due)
	}
	if entry, err = q.Insert(ctx, tx, id, time.Time{}); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `update `+Schema+`.river_job set scheduled_at = $2 where id = $1`, entry, due); err != nil {
		return 0, fmt.Errorf("replace entry: %w", err)
	}
	return entry, nil
}

// Cancel implements postgres.Queue. River deletes cancelled entries after a day.
func (q *Queue) Cancel(ctx context.Context, tx pgx.Tx, entry int64) error {
	if _, err := q.client.JobCancelTx(ctx, tx, entry); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fmt.Errorf("cancel entry: %w", err)
	}
	return nil
}

// Stranded implements postgres.Queue. It starts from the few running entries.
func (q *Queue) Stranded(ctx context.Context, tx pgx.Tx, before time.Time, limit int) (map[report.JobID]int64, error) {
	return entries(ctx, tx, `
		select a.job_id, e.id
		  from `+Schema+`.river_job e
		  join report_attempt a on a.job_id = (e.args->>'job_id')::uuid and a.river_job_id = e.id
		  join report_job j on j.id = a.job_id
		 where e.state = 'running' and e.queue = $3 and e.attempted_at < $1 and a.idle_since < $1
		   and j.status in ('SCHEDULED', 'QUEUED') and j.ended_at is null
		 limit $2`, before, limit, name)
}

// Lost implements postgres.Queue. It reads all waiting jobs.
func (q *Queue) Lost(ctx context.Context, tx pgx.Tx, limit int) (map[report.JobID]int64, error) {
	return entries(ctx, tx, `
		select j.id, coalesce(a.river_job_id, 0)
		  from report_job j join report_attempt a on a.job_id = j.id
		 where j.status in ('SCHEDULED', 'QUEUED') and j.ended_at is null
		   and not exists (select from `+Schema+`.river_job e where e.id = a.river_job_id and e.finalized_at is null)
		 limit $1`, limit)
}

func entries(ctx context.Context, tx pgx.Tx, sql string, values ...any) (map[report.JobID]int64, error) {
	list := map[report.JobID]int64{}
	rows, _ := tx.Query(ctx, sql, values...)
	var id [16]byte
	var entry int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &entry}, func() error {
		list[id] = entry
		return nil
	}); err != nil {
		return nil, fmt.Errorf("compare queue with jobs: %w", err)
	}
	return list, nil
}

// clock implements rivertype.TimeGenerator.
type clock func() time.Time

// Now implements rivertype.TimeGenerator.
func (c clock) Now() time.Time { return c() }

// NowOrNil implements rivertype.TimeGenerator.
func (c clock) NowOrNil() *time.Time { return new(c.Now()) }
