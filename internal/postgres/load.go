// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/report"
)

// The roles that programs act as. Migrations create them.
const (
	ReaderRole   = "reporting_reader"
	ProducerRole = "reporting_producer"
)

// WithRole returns a connection string whose sessions act as role. It is for private
// databases, which have one login.
func WithRole(url, role string) string {
	if !strings.Contains(url, "://") {
		return url + " role=" + role
	}
	if strings.Contains(url, "?") {
		return url + "&role=" + role
	}
	return url + "?role=" + role
}

// Load inserts jobs in one transaction, and leaves those that exist unchanged. It is for demo
// and test data. Producers write jobs as the writer's guide shows.
func Load(ctx context.Context, url string, jobs []report.Job) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	batch := &pgx.Batch{}
	for i := range jobs {
		job := &jobs[i]
		batch.Queue(`
			insert into report_job (id, report_class, user_id, status, binary_reference, parameters,
			                        created_at, started_at, ended_at)
			values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9)
			on conflict (id) do nothing`,
			[16]byte(job.ID), job.ReportClass, job.UserID, string(job.Status), job.BinaryReference,
			string(job.Parameters), job.Created, orNull(job.Started), orNull(job.Ended))
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
