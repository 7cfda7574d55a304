// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"reporting/internal/devpg"
	"reporting/tools/bench/stage"

	"reporting/tools/faults/calls"
	"reporting/tools/faults/servers"
)

// The users of every database: many with a list as portals have them, and some with one
// that is read in pages.
const (
	users     = 64
	jobsEach  = 20
	longUsers = 8
	longEach  = 1500
	database  = "reporting"
	unhurried = 40 * time.Millisecond // between two calls of a client
	clients   = 8
)

// statementLimit is the service's in all scenes: less than the default, for time's sake.
const statementLimit = 2 * time.Second

// suite is what all faults share.
type suite struct {
	options
	programs devpg.Programs
	issuer   *stage.Issuer
	primary  *servers.Postgres // one with the schema and the jobs, well between two faults
	dir      string            // goes with the suite
	began    time.Time
	rows     []row
}

func setUp(ctx context.Context, o options) (s *suite, err error) {
	s = &suite{options: o, began: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.tearDown())
		}
	}()
	if s.program, err = filepath.Abs(o.program); err != nil {
		return s, err
	}
	if _, err = os.Stat(s.program); err != nil {
		return s, fmt.Errorf("find the program: %w", err)
	}
	if s.dir, err = os.MkdirTemp("", "reporting-faults"); err != nil {
		return s, fmt.Errorf("make a folder: %w", err)
	}
	// Postgres runs as somebody else where we are root.
	if err = os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // its parts are closed
		return s, fmt.Errorf("open the folder: %w", err)
	}
	if s.programs, err = devpg.FindPrograms(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		return s, err
	}
	if s.issuer, err = stage.StartIssuer(); err != nil {
		return s, err
	}
	if s.primary, err = servers.NewPostgres(ctx, s.programs, filepath.Join(s.dir, "primary")); err != nil {
		return s, err
	}
	return s, s.fill(ctx, s.primary)
}

func (s *suite) tearDown() (err error) {
	if s.issuer != nil {
		s.issuer.Stop()
	}
	err = s.primary.Stop()
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir)) //nolint:gosec // made by setUp
	}
	return err
}

// fill gives a server the database with its schema, logins and jobs.
func (s *suite) fill(ctx context.Context, p *servers.Postgres) error {
	if err := p.Exec(ctx, "postgres", "create database "+database); err != nil {
		return err
	}
	if err := servers.Migrate(ctx, s.program, p.SuperURL(database)); err != nil {
		return err
	}
	return p.Exec(ctx, database, append(logins(p),
		insertOrdinary(),
		insertJobs(fmt.Sprintf("'long-' || n %% %d", longUsers), longUsers*longEach),
		"vacuum (analyze) report_job", "checkpoint")...)
}

// logins makes the roles with which programs log in.
func logins(p *servers.Postgres) []string {
	return []string{
		fmt.Sprintf("create role %s login password '%s' in role reporting_reader", servers.Reader, p.Password()),
		fmt.Sprintf("create role %s login password '%s' in role reporting_producer", servers.Producer, p.Password()),
	}
}

// insertJobs makes jobs that ended, for users named by an expression of n.
func insertJobs(user string, count int) string {
	return fmt.Sprintf(`
insert into report_job (report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at)
select 'dk.sundhed.ehealth.report.ActivityReport', %s, 'DONE', 'Binary/' || n,
       ('{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"},{"name":"careTeam","valueReference":{"reference":"https://careteam.example/fhir/CareTeam/' || n || '"}}]}')::json,
       at, at + interval '2 seconds', at + interval '2 minutes'
  from generate_series(0, %d - 1) n, lateral (select '2026-01-01 00:00:00+00'::timestamptz + n * interval '1.5 seconds' as at) t`, user, count)
}

// insertOrdinary makes the jobs of ordinary users.
func insertOrdinary() string {
	return insertJobs(fmt.Sprintf("'user-' || n %% %d", users), users*jobsEach)
}

func userID(n int) string { return fmt.Sprintf("user-%d", n) }

// ordinary are callers with a list of a page, each with a token that it keeps.
func (s *suite) ordinary() ([]calls.Caller, error) {
	list := make([]calls.Caller, users)
	for n := range list {
		token, err := s.issuer.Token(userID(n))
		if err != nil {
			return nil, err
		}
		list[n] = calls.Caller{
			Token: func() (string, error) { return token, nil },
			Right: calls.Exactly(userID(n), jobsEach),
		}
	}
	return list, nil
}

func (s *suite) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
