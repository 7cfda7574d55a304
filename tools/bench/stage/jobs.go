// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// insertJobs inserts jobs like those of a portal: the jobs of a user come over weeks, so they
// lie on as many pages of the table.
const insertJobs = `
	insert into report_job (report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at)
	select 'dk.sundhed.ehealth.report.' || case n % 3 when 0 then 'ActivityReport' when 1 then 'QuestionnaireReport' else 'MeasurementReport' end,
	       ($1::bigint + n % $2::bigint)::text, 'DONE', 'Binary/' || n,
	       ('{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"},' ||
	       '{"name":"period","valuePeriod":{"start":"2026-01-01T00:00:00+01:00","end":"2026-02-01T00:00:00+01:00"}},' ||
	       '{"name":"careTeam","valueReference":{"reference":"https://careteam.example/fhir/CareTeam/' || n || '"}}]}')::json,
	       at, at + interval '2 seconds', at + interval '2 minutes 3.25 seconds'
	  from generate_series($3::bigint, $4::bigint - 1) n,
	       lateral (select '2026-01-01 00:00:00+00'::timestamptz + n * interval '1.234567 seconds' as at) t`

// Users is a range of users with a number of jobs each.
type Users struct{ First, Count, Jobs int }

const (
	loadChunk   = 200_000 // rows
	loadWorkers = 2       // sessions that load side by side
)

// Load inserts the jobs of users and reports progress. Existing users get more jobs.
func (d *Database) Load(ctx context.Context, users Users, progress func(rows, of int)) error {
	total := users.Count * users.Jobs
	chunks := make(chan int)
	loaded := make(chan int)
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(chunks)
		for begin := 0; begin < total; begin += loadChunk {
			select {
			case chunks <- begin:
			case <-working.Done():
				return nil
			}
		}
		return nil
	})
	for range loadWorkers {
		group.Go(func() error { return d.loadChunks(working, users, chunks, loaded) })
	}
	ended := make(chan error, 1)
	go func() {
		ended <- group.Wait()
		close(loaded)
	}()
	done := 0
	for rows := range loaded {
		done += rows
		progress(done, total)
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("load jobs: %w", err)
	}
	return d.settle(ctx)
}

// loadChunks inserts chunks until there are no more.
func (d *Database) loadChunks(ctx context.Context, users Users, chunks <-chan int, loaded chan<- int) error {
	conn, err := pgx.Connect(ctx, d.superuser())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for begin := range chunks {
		end := min(begin+loadChunk, users.Count*users.Jobs)
		if _, err := conn.Exec(ctx, insertJobs, FirstUser+users.First, users.Count, begin, end); err != nil {
			return err
		}
		loaded <- end - begin
	}
	return nil
}

// settle runs what autovacuum and the checkpointer would do, so that they do not run during a
// measurement.
func (d *Database) settle(ctx context.Context) error {
	for _, statement := range []string{"vacuum (analyze) report_job", "checkpoint"} {
		if _, err := d.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Empty removes all jobs.
func (d *Database) Empty(ctx context.Context) error {
	if _, err := d.conn.Exec(ctx, "truncate report_job cascade"); err != nil {
		return fmt.Errorf("empty the table: %w", err)
	}
	return nil
}
