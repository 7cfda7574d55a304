// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"reporting/internal/devpg"
	"reporting/internal/postgres"
)

// startDatabases starts a server with jobs, and a standby that follows it.
func (s *scene) startDatabases(t *testing.T) {
	t.Helper()
	s.startPrimary(t)
	t.Cleanup(func() { s.stop(t, s.primary) })
	if _, err := postgres.Migrate(t.Context(), owner(s.primary), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	execute(t, s.primary, insertJobs, insertLong, insertOld)
	// A copy of a stopped server becomes a standby through the file standby.signal.
	s.stop(t, s.primary)
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", s.data("primary"), s.data("standby")).CombinedOutput(); err != nil {
		t.Fatalf("copy the database: %v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(s.data("standby"), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.startPrimary(t)
	s.standby = s.start(t, "standby", map[string]string{
		"primary_conninfo": "host=" + s.data("primary") + ".socket user=postgres", "wal_retrieve_retry_interval": "100ms",
	})
	t.Cleanup(func() { s.stop(t, s.standby) })
}

func (s *scene) data(name string) string { return filepath.Join(s.dir, name) }

// startPrimary starts the primary, or restarts it with its data.
func (s *scene) startPrimary(t *testing.T) {
	t.Helper()
	s.primary = s.start(t, "primary", nil)
}

func (s *scene) start(t *testing.T, name string, settings map[string]string) *devpg.Server {
	t.Helper()
	server, err := devpg.Start(t.Context(), devpg.Options{DataDir: s.data(name), SocketDir: s.data(name) + ".socket", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func (s *scene) stop(t *testing.T, server *devpg.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		t.Errorf("stop Postgres: %v", err)
	}
}

func owner(server *devpg.Server) string { return server.URL("postgres", "postgres") }

func readerOf(server *devpg.Server) string {
	return postgres.WithRole(owner(server), postgres.ReaderRole)
}

func execute(t *testing.T, server *devpg.Server, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), owner(server))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v: %.200s", err, statement)
		}
	}
}

// users is the number of users, named user1 and so on. longUser has a long list.
const (
	users    = 20
	longUser = "collector"
)

// insertJobs gives each user jobs in all states, of several classes.
const insertJobs = `
	insert into report_job (report_class, user_id, status, parameters, created_at, started_at, ended_at)
	select 'dk.example.Report' || n % 4, 'user' || 1 + n % 20, status, '{"resourceType":"Parameters"}',
	       now() - interval '3 hours', now() - started, now() - ended
	  from generate_series(1, 200) n, (values
	       ('SCHEDULED', null::interval, null::interval), ('QUEUED', null, null), ('RUNNING', '2 hours', null),
	       ('DONE', '1 hour', '10 minutes'), ('FAILED', '1 hour', '20 minutes'), ('CANCELLED', null, '30 minutes')) j (status, started, ended)`

// insertOld inserts jobs that the purge deletes.
const insertOld = `
	insert into report_job (report_class, user_id, status, parameters, created_at, started_at, ended_at)
	select 'dk.example.Archive', 'former', 'DONE', '{"resourceType":"Parameters"}', now() - interval '9 days', now() - interval '9 days', now() - interval '8 days'
	  from generate_series(1, 1000)`

const insertLong = `
	insert into report_job (report_class, user_id, status, parameters, created_at, started_at, ended_at)
	select 'dk.example.Archive', 'collector', 'DONE', '{"resourceType":"Parameters"}', now() - interval '3 hours', now() - interval '3 hours', now() - interval '2 hours'
	  from generate_series(1, 40000)`
