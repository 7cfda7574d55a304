// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

const attempts = 2

func (m *lifecycle) sweep(t *testing.T, want report.SweepResult) {
	t.Helper()
	if got, err := m.attempts.Sweep(t.Context(), attempts); err != nil || got != want {
		t.Errorf("swept %+v, want %+v; %v", got, want, err)
	}
}

// foreign stores a job of every state as other producers do, which have no workers here.
func (m *lifecycle) foreign(t *testing.T) {
	t.Helper()
	m.db.Exec(t, `
		insert into report_job (report_class, user_id, status, created_at, started_at, ended_at, failure_reason, parameters)
		select 'c', 'foreign', s, $1, case when s not in ('SCHEDULED', 'QUEUED') then $1::timestamptz end,
		       case when s in ('DONE', 'FAILED', 'CANCELLED') then $1::timestamptz end, case s when 'FAILED' then 'why' end, '{"resourceType":"Parameters"}'
		  from unnest('{SCHEDULED,QUEUED,RUNNING,DONE,FAILED,CANCELLED}'::text[]) s`, noon)
}

func TestSweepPromotesDueJobs(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	m.foreign(t)
	early, late := m.submit(t, "u", noon.Add(time.Hour)).JobID, m.submit(t, "u", noon.Add(2*time.Hour)).JobID
	entry := m.entry(t, early)
	m.clock.advance(time.Hour - time.Microsecond)
	m.sweep(t, report.SweepResult{})
	m.clock.advance(time.Microsecond)
	m.sweep(t, report.SweepResult{Promoted: 1})
	m.sweep(t, report.SweepResult{})
	if a, b := m.status(t, early), m.status(t, late); a != report.Queued || b != report.Scheduled {
		t.Errorf("%s and %s", a, b)
	}
	if m.entry(t, early) != entry {
		t.Error("it has another entry, though the first is due")
	}
	m.begin(t, late) // the clock of a worker may be ahead
}

func TestSweepRequeuesAndFailsJobsOfDeadWorkers(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	m.foreign(t)
	placed := m.submit(t, "u", time.Time{})
	id := placed.JobID
	for range 3 { // what was not the job's fault does not count
		if err := m.attempts.Release(t.Context(), m.begin(t, id), false); err != nil {
			t.Fatal(err)
		}
	}
	entry := m.entry(t, id)
	first := m.begin(t, id)
	m.clock.advance(report.HeartbeatTimeout)
	m.sweep(t, report.SweepResult{})
	m.clock.advance(time.Microsecond)
	m.sweep(t, report.SweepResult{Requeued: 1})
	job := readJobs(t, m.db, "u")[0]
	if job.Status != report.Queued || !job.Started.IsZero() {
		t.Errorf("%s since %s", job.Status, job.Started)
	}
	_, err := m.attempts.Begin(t.Context(), id, entry)
	wantKind(t, err, report.Superseded) // it has another entry
	var dropped int
	if m.scan(t, `select count(*) from reporting_river.river_job where id = $1 and (state = 'cancelled' or metadata ? 'cancel_attempted_at')`, []any{entry}, &dropped); dropped != 1 {
		t.Error("the entry of the dead worker is still in the queue")
	}
	second := m.begin(t, id)
	if second.Counted != attempts {
		t.Errorf("%+v", second)
	}
	wantKind(t, m.attempts.Fail(t.Context(), first, "late"), report.Superseded)
	m.clock.advance(time.Minute)
	m.sweep(t, report.SweepResult{Failed: 1})
	m.sweep(t, report.SweepResult{})
	job = readJobs(t, m.db, "u")[0]
	if job.Status != report.Failed || !job.Ended.Equal(*m.clock.time()) {
		t.Errorf("%+v", job)
	}
	if state, err := m.orders.State(t.Context(), "u", id); err != nil || state.FailureReason != "The worker stopped responding in each of 2 attempts" {
		t.Errorf("%+v, %v", state, err)
	}
	wantKind(t, m.attempts.Finish(t.Context(), second, resultOf("late")), report.Superseded)
}

func TestSweepSkipsLockedJobs(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	var ids []report.JobID
	for range 3 {
		ids = append(ids, m.submit(t, "u", time.Time{}).JobID)
	}
	m.begin(t, ids[0])
	m.submit(t, "u", noon.Add(time.Second))
	m.db.Exec(t, `delete from reporting_river.river_job where id = $1`, m.entry(t, ids[1]))
	m.finish(t, m.begin(t, ids[2]), "x")
	m.clock.advance(time.Hour)
	other, err := pgtest.Connect(t, m.db.Superuser).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), `select from report_job for update`); err != nil {
		t.Fatal(err)
	}
	m.sweep(t, report.SweepResult{})
	if c, err := m.attempts.Purge(t.Context(), *m.clock.time()); c != (report.PurgeResult{}) || err != nil {
		t.Errorf("purged %+v, %v", c, err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.clock.advance(time.Minute)
	m.sweep(t, report.SweepResult{Requeued: 2, Promoted: 1})
}

func TestConcurrentSweepsProcessEachJobOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it sweeps 300 jobs several times")
	}
	const jobs, keepers = 150, 4
	m := newLifecycle(t)
	m.db.Exec(t, `
		with jobs as (
		    insert into report_job (report_class, user_id, status, created_at, started_at, parameters)
		    select 'c', 'u', case when n <= $2 then 'RUNNING' else 'SCHEDULED' end, $1, case when n <= $2 then $1::timestamptz end, '{"resourceType":"Parameters"}'
		      from generate_series(1, 2 * $2::integer) n returning id, status)
		insert into report_attempt (job_id, due_at, attempt, heartbeat_at) select id, $1, case status when 'RUNNING' then 1 else 0 end, case status when 'RUNNING' then $1::timestamptz end from jobs`, noon, jobs)
	m.clock.advance(time.Hour)
	var mu sync.Mutex
	var sum report.SweepResult
	var wg sync.WaitGroup
	for range keepers {
		wg.Go(func() {
			for range jobs { // each round sees to something, or there is nothing left that is free
				done, err := m.attempts.Sweep(t.Context(), attempts)
				if err != nil {
					t.Error(err)
				}
				if done == (report.SweepResult{}) {
					return
				}
				if done.Promoted > 100 || done.Requeued > 100 {
					t.Errorf("%+v in one go", done)
				}
				mu.Lock()
				sum.Promoted, sum.Requeued, sum.Failed = sum.Promoted+done.Promoted, sum.Requeued+done.Requeued, sum.Failed+done.Failed
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// A sweep skips the entries of jobs that another one promotes. The look a minute later finds
	// them.
	m.clock.advance(time.Minute)
	rest, err := m.attempts.Sweep(t.Context(), attempts)
	if err != nil {
		t.Fatal(err)
	}
	sum.Requeued += rest.Requeued
	// No job of this test has an entry, so all of them are requeued.
	if want := (report.SweepResult{Promoted: jobs, Requeued: 2 * jobs}); sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
	var entries, distinct int
	m.scan(t, `select count(*), count(distinct args) from reporting_river.river_job`, nil, &entries, &distinct)
	if entries != 2*jobs || distinct != 2*jobs {
		t.Errorf("%d entries for %d jobs, want %d", entries, distinct, 2*jobs)
	}
}

func TestSweepRequeuesJobsWithoutALiveEntry(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	m.foreign(t)
	due := noon.Add(time.Hour)
	kept, lost, ended, later, running := m.submit(t, "u", time.Time{}).JobID, m.submit(t, "u", time.Time{}).JobID,
		m.submit(t, "u", time.Time{}).JobID, m.submit(t, "u", due).JobID, m.submit(t, "u", time.Time{}).JobID
	m.begin(t, running)
	before := map[report.JobID]int64{}
	for _, id := range []report.JobID{kept, lost, ended, later, running} {
		before[id] = m.entry(t, id)
	}
	m.db.Exec(t, `delete from reporting_river.river_job where id in ($1, $2, $3)`, before[lost], before[later], before[running])
	m.db.Exec(t, `update reporting_river.river_job set state = 'completed', finalized_at = now() where id = $1`, before[ended])
	m.sweep(t, report.SweepResult{Requeued: 3})
	m.sweep(t, report.SweepResult{})
	for id, changed := range map[report.JobID]bool{kept: false, lost: true, ended: true, later: true, running: false} {
		if (m.entry(t, id) != before[id]) != changed {
			t.Errorf("job %s has another entry: %v, want %v", id, !changed, changed)
		}
	}
	var at time.Time
	if m.scan(t, `select scheduled_at from reporting_river.river_job where id = $1`, []any{m.entry(t, later)}, &at); !at.Equal(due) {
		t.Errorf("due at %s, want %s", at, due)
	}
	m.begin(t, lost)
	if status := m.status(t, later); status != report.Scheduled {
		t.Errorf("%s", status)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	old, waiting, cancelled := m.submit(t, "u", time.Time{}), m.submit(t, "u", time.Time{}), m.submit(t, "u", time.Time{})
	m.finish(t, m.begin(t, old.JobID), "old")
	if err := m.orders.Cancel(t.Context(), "u", cancelled.JobID); err != nil {
		t.Fatal(err)
	}
	orphan := m.submit(t, "u", time.Time{})
	m.finish(t, m.begin(t, orphan.JobID), "orphan")
	m.db.Exec(t, `delete from report_job where id = $1`, [16]byte(orphan.JobID)) // as its producer may
	running := m.submit(t, "u", time.Time{})
	m.begin(t, running.JobID)
	before := m.everything(t)
	for _, at := range []time.Time{noon.Add(-time.Hour), noon} { // what ended at that moment is not older
		if c, err := m.attempts.Purge(t.Context(), at); c != (report.PurgeResult{}) || err != nil {
			t.Errorf("purged %+v, %v", c, err)
		}
	}
	if diff := cmp.Diff(before, m.everything(t)); diff != "" {
		t.Error(diff)
	}
	m.clock.advance(24 * time.Hour)
	young := m.submit(t, "u", time.Time{})
	m.finish(t, m.begin(t, young.JobID), "young")
	for _, want := range []report.PurgeResult{{Jobs: 2, Binaries: 2}, {}} {
		if c, err := m.attempts.Purge(t.Context(), noon.Add(time.Hour)); c != want || err != nil {
			t.Errorf("purged %+v, want %+v; %v", c, want, err)
		}
	}
	for name, placed := range map[string]report.Submission{"old": old, "cancelled": cancelled, "orphan": orphan} {
		if _, _, err := m.result(t, "u", placed.Binary.ID); report.KindOf(err) != report.Deleted || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.orders.State(t.Context(), "u", placed.JobID); report.KindOf(err) != report.NotFound || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var left string
	m.scan(t, `select string_agg(convert_from(data, 'UTF8'), ',' order by binary_id, version) from report_binary_piece`, nil, &left)
	if want := fmt.Sprintf("%[1]s,%[1]s,%[1]s,young", report.Placeholder); left != want {
		t.Errorf("left is %s, want %s", left, want)
	}
	if a, b := m.status(t, waiting.JobID), m.status(t, running.JobID); a != report.Queued || b != report.Running {
		t.Errorf("%s and %s", a, b)
	}
}

func TestPurgeWorksInBatches(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	m.db.Exec(t, `
		with jobs as (
		    insert into report_job (report_class, user_id, status, created_at, started_at, ended_at, parameters)
		    select 'c', 'u', 'DONE', $1, $1, $1, '{"resourceType":"Parameters"}' from generate_series(1, 130) returning id)
		insert into report_binary (user_id, job_id, created_at) select 'u', id, $1 from jobs union all select 'u', null, $1 from generate_series(1, 130)`, noon)
	m.foreign(t)
	m.clock.advance(time.Hour)
	var rounds []report.PurgeResult
	for {
		c, err := m.attempts.Purge(t.Context(), *m.clock.time())
		if err != nil {
			t.Fatal(err)
		}
		if c == (report.PurgeResult{}) {
			break
		}
		rounds = append(rounds, c)
	}
	var sum report.PurgeResult
	for _, c := range rounds {
		sum.Jobs, sum.Binaries = sum.Jobs+c.Jobs, sum.Binaries+c.Binaries
		if c.Jobs > 100 || c.Binaries > 200 {
			t.Errorf("%+v in one go", c)
		}
	}
	if want := (report.PurgeResult{Jobs: 133, Binaries: 260}); sum != want || len(rounds) < 2 { // three of the foreign ones have ended
		t.Errorf("%+v in %d rounds, want %+v", sum, len(rounds), want)
	}
}

// River deletes ended entries after a day. Such an entry must not stop the sweep.
func TestSweepRequeuesJobsWhoseEntryIsDeleted(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.submit(t, "u", time.Time{}).JobID
	m.begin(t, id)
	m.db.Exec(t, `delete from reporting_river.river_job`)
	m.clock.advance(48 * time.Hour)
	m.sweep(t, report.SweepResult{Requeued: 1})
	m.begin(t, id)
}
