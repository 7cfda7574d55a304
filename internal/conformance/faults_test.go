// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/devpg"
	"reporting/internal/postgres/pgtest"
)

// unreachable is a database that refuses connections.
const unreachable = "postgres://nobody@127.0.0.1:1/nowhere"

// needsOwnServer skips a test when the suite tests another server.
func needsOwnServer(t *testing.T) {
	t.Helper()
	if isRemote() {
		t.Skip("needs a server of its own")
	}
}

// slow skips a test with -short, and says why the test takes long.
func slow(t *testing.T, reason string) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped with -short: " + reason)
	}
}

// waitFor polls a condition, and fails the test after twenty seconds.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

func startDatabase(t *testing.T, options devpg.Options) *devpg.Server {
	t.Helper()
	server, err := devpg.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

// lockTable locks report_job, so that every query waits, until the returned function is called.
func lockTable(t *testing.T, server instance) func() {
	t.Helper()
	conn := pgtest.Connect(t, server.db.Superuser)
	if _, err := conn.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.Background()) }
}

// waitingQueries counts queries of the status operation that wait for the locked table. The
// readiness check and the sweep wait for it as well.
func waitingQueries(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock' and query like '%from report_job%order by created_at desc%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// stopDuring stops a server while a request waits for the locked table. It unlocks the
// table when the port is closed, waits for both, and returns the response.
func (i instance) stopDuring(t *testing.T, call request) response {
	t.Helper()
	unlock := lockTable(t, i)
	answered := make(chan response, 1)
	go func() {
		a, err := send(i.build(t, call))
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	watcher := pgtest.Connect(t, i.db.Superuser)
	waitFor(t, "the query", func() bool { return waitingQueries(t, watcher) == 1 })
	ended := make(chan error, 1)
	go func() { ended <- i.stop() }()
	waitFor(t, "the end of the port", func() bool {
		_, err := send(i.build(t, request{method: "GET", path: "/metadata"}))
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	unlock()
	a := <-answered
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return a
}
