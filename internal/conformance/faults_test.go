// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/embedded"
	"reporting/internal/postgres/pgtest"
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

// lockTable makes every query wait until the returned function is called.
func lockTable(t *testing.T, server instance) func() {
	t.Helper()
	conn := pgtest.Connect(t, server.db.Superuser)
	if _, err := conn.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.Background()) }
}

// waitingQueries counts queries that wait for the locked table.
func waitingQueries(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock' and query like '%report_job%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
