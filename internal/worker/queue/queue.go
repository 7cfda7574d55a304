// SPDX-License-Identifier: Apache-2.0

// Package queue is where report jobs wait for a worker: River, in the same database and,
// for what belongs together, in the same transaction. Its entries hold ids of jobs and
// nothing else; what a job is and how it does stands in the tables of jobs.
//
// internal/app imports it, and the benches and tests of whole services.
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

// args are an entry's.
type args struct {
	JobID uuid.UUID `json:"job_id"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "report" }

// tries is how often an entry is begun. It is not what ends a job, which counts its
// attempts itself, also over several entries.
const tries = 100

// Entries adds entries, and takes them back. It implements postgres.Queue.
type Entries struct {
	client *river.Client[pgx.Tx]
}

// NewEntries returns the queue, for adding to it only.
func NewEntries() (*Entries, error) { return NewEntriesAt(nil) }

// NewEntriesAt is NewEntries with another clock than the system's, for tests.
func NewEntriesAt(now func() time.Time) (*Entries, error) {
	config := &river.Config{SkipUnknownJobCheck: true}
	if now != nil {
		config.Test.Time = clock(now)
	}
	client, err := river.NewClient(riverpgxv5.New(nil), config)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return &Entries{client: client}, nil
}

// Add implements postgres.Queue.
func (e *Entries) Add(ctx context.Context, tx pgx.Tx, id report.JobID, due time.Time) (entry int64, err error) {
	added, err := e.client.InsertTx(ctx, tx, args{JobID: uuid.UUID(id)}, &river.InsertOpts{MaxAttempts: tries, ScheduledAt: due})
	if err != nil {
		return 0, fmt.Errorf("add to queue: %w", err)
	}
	return added.Job.ID, nil
}

// Drop implements postgres.Queue. An entry that has ended goes after a while, by itself.
func (e *Entries) Drop(ctx context.Context, tx pgx.Tx, entry int64) error {
	if _, err := e.client.JobCancelTx(ctx, tx, entry); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fmt.Errorf("take out of queue: %w", err)
	}
	return nil
}
