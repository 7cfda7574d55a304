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

	"github.com/jackc/pgx/v5"
	"reporting/internal/devpg"

	"reporting/tools/faults/servers"
)

const database = "reporting"

// stage is what all parts share: a database, and the service that takes orders and makes
// nothing itself.
type stage struct {
	options
	dir      string // goes with the stage
	postgres *servers.Postgres
	api      *servers.Service
	source   *source
	began    time.Time
	users    int // so far
}

func setUp(ctx context.Context, o options) (s *stage, err error) {
	s = &stage{options: o, began: time.Now()}
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
	if s.dir, err = os.MkdirTemp("", "reporting-workers"); err != nil {
		return s, fmt.Errorf("make a folder: %w", err)
	}
	// Postgres runs as somebody else where we are root.
	if err = os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // its parts are closed
		return s, fmt.Errorf("open the folder: %w", err)
	}
	programs, err := devpg.FindPrograms(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return s, err
	}
	if s.source, err = startSource(); err != nil {
		return s, err
	}
	if s.postgres, err = servers.NewPostgres(ctx, programs, filepath.Join(s.dir, "postgres")); err != nil {
		return s, err
	}
	if err = s.fill(ctx); err != nil {
		return s, err
	}
	s.api, err = servers.NewService(s.program, "REPORTING_DATABASE_URL="+s.postgres.URL(servers.Reader, database, 0),
		"REPORTING_AUTH=gateway", "REPORTING_USER_RATE=0", "REPORTING_SOURCE="+small, "REPORTING_WORKERS=0")
	if err != nil {
		return s, err
	}
	return s, s.api.AwaitReady(ctx)
}

// fill makes the database, with logins for both kinds of processes and something that
// notes what becomes of jobs.
func (s *stage) fill(ctx context.Context) error {
	if err := s.postgres.Exec(ctx, "postgres", "create database "+database); err != nil {
		return err
	}
	if err := servers.Migrate(ctx, s.program, s.postgres.SuperURL(database)); err != nil {
		return err
	}
	login := "create role %s login password '%s' in role %s"
	return s.postgres.Exec(ctx, database, append(watchers(),
		fmt.Sprintf(login, servers.Reader, s.postgres.Password(), "reporting_reader, reporting_requester"),
		fmt.Sprintf(login, servers.Worker, s.postgres.Password(), "reporting_worker"))...)
}

func (s *stage) tearDown() (err error) {
	if s.source != nil {
		s.source.stop()
	}
	err = errors.Join(s.api.Stop(), s.postgres.Stop())
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir)) //nolint:gosec // made by setUp
	}
	return err
}

// worker starts a process that makes reports, under a name that its changes in the
// database bear.
func (s *stage) worker(name, source string, settings ...string) (*servers.Service, error) {
	return servers.NewWorker(s.program, append([]string{
		"REPORTING_WORKER_DATABASE_URL=" + s.postgres.URL(servers.Worker, database, 0) + "&application_name=" + name,
		"REPORTING_SOURCE=" + source, "TMPDIR=" + s.dir,
	}, settings...)...)
}

// look reads rows as the superuser. Each look has a connection of its own, since servers
// come and go here.
func look[T any](ctx context.Context, s *stage, sql string, args ...any) ([]T, error) {
	conn, err := pgx.Connect(ctx, s.postgres.SuperURL(database))
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	return list, nil
}

// await looks until it is as wanted, which done tells by no error.
func await(ctx context.Context, limit time.Duration, done func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := done(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *stage) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
