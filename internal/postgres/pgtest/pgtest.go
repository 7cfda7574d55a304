// SPDX-License-Identifier: Apache-2.0

// Package pgtest gives each test a database of its own on one throw-away
// cluster per test process. Where no Postgres can be had a test fails; it is
// never skipped.
//
// Tests of any package import it; nothing else does.
package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"reporting/internal/devpg"
	"reporting/internal/postgres"
	"reporting/internal/report"
)

const (
	superuser = "postgres"
	template  = "reporting_template"
)

// The cluster of this process. It is not stopped: it ends, and its files go,
// when the process ends, however that happens.
var (
	cluster     = sync.OnceValues(start)
	databaseSeq atomic.Int64
)

func start() (*devpg.Server, error) {
	ctx := context.Background()
	server, err := devpg.Start(ctx, devpg.Options{Settings: map[string]string{"max_connections": "300"}})
	if err != nil {
		return nil, fmt.Errorf("start a private Postgres: %w", err)
	}
	if err := exec(ctx, server.URL(superuser, superuser), "create database "+template); err != nil {
		return nil, err
	}
	if _, err := postgres.Migrate(ctx, server.URL(superuser, template), slog.New(slog.DiscardHandler)); err != nil {
		return nil, fmt.Errorf("migrate template: %w", err)
	}
	return server, nil
}

// Database is a migrated database that belongs to one test.
type Database struct {
	// Superuser, Reader and Producer are connection strings for each part.
	Superuser, Reader, Producer string
}

// New returns a migrated, empty database. It is dropped with the cluster.
func New(t testing.TB) Database {
	t.Helper()
	return create(t, template)
}

// Empty returns a database without the schema.
func Empty(t testing.TB) Database {
	t.Helper()
	return create(t, "template0")
}

func create(t testing.TB, from string) Database {
	t.Helper()
	server, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", databaseSeq.Add(1))
	if err := exec(t.Context(), server.URL(superuser, superuser), "create database "+name+" template "+from); err != nil {
		t.Fatal(err)
	}
	url := server.URL(superuser, name)
	return Database{
		Superuser: url,
		Reader:    postgres.WithRole(url, postgres.ReaderRole),
		Producer:  postgres.WithRole(url, postgres.ProducerRole),
	}
}

// Exec runs one statement as the superuser.
func (d Database) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if err := exec(t.Context(), d.Superuser, sql, args...); err != nil {
		t.Fatal(err)
	}
}

// Load stores jobs.
func (d Database) Load(t testing.TB, jobs ...report.Job) {
	t.Helper()
	if err := postgres.Load(t.Context(), d.Superuser, jobs); err != nil {
		t.Fatal(err)
	}
}

// Connect opens a connection that ends with the test.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Dir makes a folder in which a test may start a Postgres of its own: short
// enough for unix sockets, and open to the user that Postgres runs as when the
// test is root. It goes with the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rt") //nolint:usetesting // t.TempDir is neither
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

func exec(ctx context.Context, url, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("execute %q: %w", sql, err)
	}
	return nil
}
