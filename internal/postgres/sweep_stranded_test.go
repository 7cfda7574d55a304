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

func (f *failingQueue) Stranded(ctx context.Context, tx pgx.Tx, before time.Time, limit int) (map[report.JobID]int64, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Queue.Stranded(ctx, tx, before, limit)
}

// rescues wants so many jobs to be rescued.
func (m *lifecycle) wantRequeued(t *testing.T, want int64, what string) {
	t.Helper()
	done, err := m.attempts.Sweep(t.Context(), 3)
	if err != nil || done.Requeued != want {
		t.Errorf("%s: %+v, %v, want %d rescued", what, done, err, want)
	}
}

// take does to a job's entry what the queue does when a worker takes it.
func (m *lifecycle) take(t *testing.T, id report.JobID) {
	t.Helper()
	m.db.Exec(t, `update reporting_river.river_job set state = 'running', attempt = 1, attempted_at = $2 where id = $1`, m.entry(t, id), m.clock.time())
}

// A worker that dies between taking an entry and beginning its job leaves a waiting job and a
// running entry.
func TestSweepRequeuesEntriesThatWereTakenAndNotBegun(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.submit(t, "u", time.Time{}).JobID
	before := m.entry(t, id)
	m.take(t, id)
	m.clock.advance(report.HeartbeatTimeout - time.Second)
	m.wantRequeued(t, 0, "the attempt may still begin")
	m.clock.advance(2 * time.Second)
	m.wantRequeued(t, 1, "the worker is dead")
	m.wantRequeued(t, 0, "it is requeued already")
	if run := m.begin(t, id); run.Counted != 1 {
		t.Errorf("%d attempts count", run.Counted)
	}
	if _, err := m.attempts.Begin(t.Context(), id, before); report.KindOf(err) != report.Superseded {
		t.Errorf("the old entry: %v", err)
	}
	m.clock.advance(report.HeartbeatTimeout - time.Second)
	m.wantRequeued(t, 0, "the attempt runs")
}

// A requeued job does not wait behind jobs that were ordered after it.
func TestRequeuedJobsKeepTheirPosition(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	first, second := m.submit(t, "u", time.Time{}).JobID, m.submit(t, "u", time.Time{}).JobID
	m.begin(t, first)
	m.take(t, first)
	m.db.Exec(t, `update reporting_river.river_job set scheduled_at = $2 where id = $1`, m.entry(t, second), m.clock.time().Add(time.Second))
	m.clock.advance(report.HeartbeatTimeout + time.Second)
	m.wantRequeued(t, 1, "its worker is dead")
	var next int64
	m.scan(t, `select id from reporting_river.river_job where state = 'available' order by priority, scheduled_at, id limit 1`, nil, &next)
	if want := m.entry(t, first); next != want {
		t.Errorf("entry %d is next, want %d", next, want)
	}
}

// After an outage of the database, the sweep first waits for the heartbeats of live workers.
func TestSweepWaitsForHeartbeatsAfterAnOutage(t *testing.T) {
	t.Parallel()
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	q := &failingQueue{Queue: entries}
	m := newLifecycleOn(t, pgtest.New(t), q)
	silent, alive := m.submit(t, "u", time.Time{}).JobID, m.submit(t, "u", time.Time{}).JobID
	m.begin(t, silent)
	run := m.begin(t, alive)
	m.clock.advance(time.Minute)
	q.fail = &report.Error{Kind: report.Unavailable}
	if done, err := m.attempts.Sweep(t.Context(), 3); err == nil {
		t.Fatalf("swept %+v during an outage", done)
	}
	q.fail = nil
	m.wantRequeued(t, 0, "at once")
	m.clock.advance(report.HeartbeatInterval)
	if err := m.attempts.Heartbeat(t.Context(), run, ""); err != nil {
		t.Errorf("heartbeat of a live attempt: %v", err)
	}
	m.clock.advance(report.HeartbeatTimeout - report.HeartbeatInterval)
	m.wantRequeued(t, 1, "later")
	if err := m.attempts.Heartbeat(t.Context(), run, ""); err != nil {
		t.Errorf("the live attempt was superseded: %v", err)
	}
}

// The entry of a released job runs for a moment longer.
func TestSweepLeavesReleasedJobsAlone(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.submit(t, "u", time.Time{}).JobID
	m.take(t, id)
	run := m.begin(t, id)
	for range 10 {
		m.clock.advance(report.HeartbeatInterval)
		if err := m.attempts.Heartbeat(t.Context(), run, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.attempts.Release(t.Context(), run, true); err != nil {
		t.Fatal(err)
	}
	m.wantRequeued(t, 0, "River is about to record the release")
	m.clock.advance(report.HeartbeatTimeout + time.Second)
	m.wantRequeued(t, 1, "River did not record it")
}

// A job that another program has started, against the rules, has no attempt.
func TestSweepRequeuesJobsThatAnotherProgramStarted(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.submit(t, "u", time.Time{}).JobID
	m.db.Exec(t, `update report_job set status = 'RUNNING', started_at = $1 where id = $2`, m.clock.time(), [16]byte(id))
	m.wantRequeued(t, 0, "at once")
	m.clock.advance(report.HeartbeatTimeout + time.Second)
	m.wantRequeued(t, 1, "later")
}
