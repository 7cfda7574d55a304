// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/embedded"
)

// waitFor polls for something that happens soon, or fails.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func startDatabase(t *testing.T, options embedded.Options) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

// openDir is a folder with a path short enough for unix sockets, which the
// unprivileged user may enter that Postgres runs as when the test is root.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc") //nolint:usetesting // t.TempDir is too long, and closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// lockTable makes every query wait until the returned function is called.
func lockTable(t *testing.T, server instance) func() {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.db.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	unlock := func() { _ = conn.Close(context.Background()) }
	t.Cleanup(unlock)
	return unlock
}

// waitingQueries counts queries that wait for the locked table.
func waitingQueries(t *testing.T, server instance) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.db.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	err = conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock' and query like '%report_job%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
