// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/worker/queue"
)

// lifecycle holds the stores of orders, attempts and Binaries on a database of its own, with a
// manual clock.
type lifecycle struct {
	db       pgtest.Database
	orders   *postgres.OrderStore
	binaries *postgres.BinaryStore
	attempts *postgres.AttemptStore
	clock    *clock
}

// clock is a manual clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() *time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return new(c.now)
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

func newLifecycle(t *testing.T) *lifecycle {
	t.Helper()
	db := pgtest.New(t)
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return newLifecycleOn(t, db, entries)
}

func newLifecycleOn(t *testing.T, db pgtest.Database, queue postgres.Queue) *lifecycle {
	t.Helper()
	login := uniqueRole()
	db.Exec(t, "create role "+login+" in role reporting_reader, reporting_requester")
	asking, working := openPool(t, postgres.WithRole(db.Superuser, login), 8), openWorker(t, db, 8)
	c := &clock{now: noon}
	return &lifecycle{
		db: db, clock: c,
		orders:   postgres.NewOrderStore(asking, queue, patience, c.time),
		binaries: postgres.NewBinaryStore(asking, patience, c.time),
		attempts: postgres.NewAttemptStore(working, queue, patience, c.time),
	}
}

// patience is a generous time limit for the database.
const patience = 30 * time.Second

// openWorker opens the pool of a worker.
func openWorker(t *testing.T, db pgtest.Database, connections int32) *postgres.Pool {
	t.Helper()
	pool, err := postgres.OpenAs(t.Context(), db.Superuser, postgres.WorkerRole, connections)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := pool.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// submit submits an order. A zero due time means at once.
func (m *lifecycle) submit(t *testing.T, user string, due time.Time) report.Submission {
	t.Helper()
	placed, err := m.orders.Submit(t.Context(), report.Order{
		ReportClass: "com.example.Report", UserID: user, Parameters: []byte(`{"resourceType":"Parameters"}`), Source: "request", Due: due,
	})
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

// begin begins an attempt at a job for its current entry.
func (m *lifecycle) begin(t *testing.T, id report.JobID) report.Attempt {
	t.Helper()
	run, err := m.attempts.Begin(t.Context(), id, m.entry(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// entry returns the current entry of a job in the queue.
func (m *lifecycle) entry(t *testing.T, id report.JobID) (entry int64) {
	t.Helper()
	m.scan(t, `select river_job_id from report_attempt where job_id = $1`, []any{[16]byte(id)}, &entry)
	return entry
}

func (m *lifecycle) status(t *testing.T, id report.JobID) (status report.Status) {
	t.Helper()
	m.scan(t, `select status from report_job where id = $1`, []any{[16]byte(id)}, &status)
	return status
}

func (m *lifecycle) scan(t *testing.T, sql string, args []any, into ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), m.db.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

// everything returns the content of all tables as text.
func (m *lifecycle) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"report_job", "report_attempt", "report_binary", "report_binary_version", "report_binary_piece", "reporting_river.river_job"} {
		var rows string
		m.scan(t, `select coalesce(string_agg(md5(x::text) || ' ' || left(x::text, 300), e'\n' order by x::text), '') from `+table+` x`, nil, &rows)
		all.WriteString(table + ":\n" + rows + "\n")
	}
	return all.String()
}

// result reads a whole result.
func (m *lifecycle) result(t *testing.T, user string, id int64) (report.Binary, []byte, error) {
	t.Helper()
	binary, err := m.binaries.Binary(t.Context(), report.BinaryKey{UserID: user, ID: id})
	if err != nil {
		return binary, nil, err
	}
	data := make([]byte, 0, binary.Size)
	for n := 0; int64(len(data)) < binary.Size; n++ {
		if data, err = m.binaries.Piece(t.Context(), report.BinaryKey{UserID: user, ID: id, Version: binary.Version}, n, data); err != nil {
			return binary, nil, err
		}
	}
	return binary, data, nil
}

// brokenQueue inserts an entry and then returns an error.
type brokenQueue struct{ postgres.Queue }

var errBroken = errors.New("the queue is broken")

func (b brokenQueue) Insert(ctx context.Context, tx pgx.Tx, id report.JobID, due time.Time) (int64, error) {
	if _, err := b.Queue.Insert(ctx, tx, id, due); err != nil {
		return 0, err
	}
	return 0, errBroken
}
