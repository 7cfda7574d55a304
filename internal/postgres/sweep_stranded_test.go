// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/worker/queue"
)

// failingQueue fails while fail is set.
type failingQueue struct {
	postgres.Queue
	fail error
}

func (f *failingQueue) Stranded(ctx context.Context, tx pgx.Tx, before time.Time, limit int) ([]report.JobID, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Queue.Stranded(ctx, tx, before, limit)
}

// rescues wants so many jobs to be rescued.
func (m *lifecycle) rescues(t *testing.T, want int64, what string) {
	t.Helper()
	done, err := m.runs.Sweep(t.Context(), 3)
	if err != nil || done.Requeued != want {
		t.Errorf("%s: %+v, %v, want %d rescued", what, done, err, want)
	}
}

// take does to a job's entry what the queue does when a worker takes it.
func (m *lifecycle) take(t *testing.T, id report.JobID) {
	t.Helper()
	m.db.Exec(t, `update reporting_river.river_job set state = 'running', attempt = 1, attempted_at = $2 where id = $1`, m.entry(t, id), m.clock.time())
}

// A worker that dies between taking an entry and beginning its job leaves a job that
// waits, and an entry that somebody seems to be at.
func TestSweepRequeuesEntriesThatWereTakenAndNotBegun(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.place(t, "u", time.Time{}).JobID
	before := m.entry(t, id)
	m.take(t, id)
	m.clock.turn(report.HeartbeatTimeout - time.Second)
	m.rescues(t, 0, "it may still begin")
	m.clock.turn(2 * time.Second)
	m.rescues(t, 1, "it will not")
	m.rescues(t, 0, "once is enough")
	if run := m.begin(t, id); run.Counted != 1 {
		t.Errorf("%d attempts count", run.Counted)
	}
	if _, err := m.runs.Begin(t.Context(), id, before); report.KindOf(err) != report.Superseded {
		t.Errorf("the old entry: %v", err)
	}
	m.clock.turn(report.HeartbeatTimeout - time.Second)
	m.rescues(t, 0, "somebody is at it")
}

// A rescued job does not wait behind those that were ordered after it.
func TestRequeuedJobsKeepTheirPosition(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	first, second := m.place(t, "u", time.Time{}).JobID, m.place(t, "u", time.Time{}).JobID
	m.begin(t, first)
	m.take(t, first)
	m.db.Exec(t, `update reporting_river.river_job set scheduled_at = $2 where id = $1`, m.entry(t, second), m.clock.time().Add(time.Second))
	m.clock.turn(report.HeartbeatTimeout + time.Second)
	m.rescues(t, 1, "its worker is gone")
	var next int64
	m.scan(t, `select id from reporting_river.river_job where state = 'available' order by priority, scheduled_at, id limit 1`, nil, &next)
	if want := m.entry(t, first); next != want {
		t.Errorf("entry %d is next, want %d", next, want)
	}
}

// Where the database was away for longer than a worker may be silent, the workers are
// given the time to say that they live.
func TestSweepWaitsForHeartbeatsAfterAnOutage(t *testing.T) {
	t.Parallel()
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	q := &failingQueue{Queue: entries}
	m := newLifecycleOn(t, pgtest.New(t), q)
	silent, alive := m.place(t, "u", time.Time{}).JobID, m.place(t, "u", time.Time{}).JobID
	m.begin(t, silent)
	run := m.begin(t, alive)
	m.clock.turn(time.Minute)
	q.fail = &report.Error{Kind: report.Unavailable}
	if done, err := m.runs.Sweep(t.Context(), 3); err == nil {
		t.Fatalf("%+v without a database", done)
	}
	q.fail = nil
	m.rescues(t, 0, "at once")
	m.clock.turn(report.HeartbeatInterval)
	if err := m.runs.Heartbeat(t.Context(), run, ""); err != nil {
		t.Errorf("the sign of life of a run that nobody took away: %v", err)
	}
	m.clock.turn(report.HeartbeatTimeout - report.HeartbeatInterval)
	m.rescues(t, 1, "later")
	if err := m.runs.Heartbeat(t.Context(), run, ""); err != nil {
		t.Errorf("the wrong one was taken for dead: %v", err)
	}
}

// To the queue somebody is, for a moment, still at a job that was just handed back.
func TestSweepLeavesReleasedJobsAlone(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.place(t, "u", time.Time{}).JobID
	m.take(t, id)
	run := m.begin(t, id)
	for range 10 {
		m.clock.turn(report.HeartbeatInterval)
		if err := m.runs.Heartbeat(t.Context(), run, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.runs.Release(t.Context(), run, true); err != nil {
		t.Fatal(err)
	}
	m.rescues(t, 0, "the queue is about to hear of it")
	m.clock.turn(report.HeartbeatTimeout + time.Second)
	m.rescues(t, 1, "it has not")
}

// A job that another program has started, which it may not, is nobody's.
func TestSweepRequeuesJobsThatAnotherProgramStarted(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.place(t, "u", time.Time{}).JobID
	m.db.Exec(t, `update report_job set status = 'RUNNING', started_at = $1 where id = $2`, m.clock.time(), [16]byte(id))
	m.rescues(t, 0, "at once")
	m.clock.turn(report.HeartbeatTimeout + time.Second)
	m.rescues(t, 1, "later")
}
