// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/worker/queue"
)

func TestOrdersAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	order := report.Order{
		ReportClass: "æøå 😀 \" \\ <&>", UserID: "u ' \u2028", Source: "request_1",
		Parameters: []byte(`{ "resourceType" : "Parameters", "x": 1.10, "x": 1e400 , "y":"\u0041\ud83d\ude00" }`),
	}
	soon, err := m.orders.Submit(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	m.clock.advance(time.Minute)
	order.Due = noon.Add(14 * time.Hour)
	later, err := m.orders.Submit(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	want := []report.Job{
		{ID: later.JobID, Status: report.Scheduled, BinaryReference: "Binary/2", Created: noon.Add(time.Minute)},
		{ID: soon.JobID, Status: report.Queued, BinaryReference: "Binary/1", Created: noon},
	}
	for i := range want {
		want[i].ReportClass, want[i].UserID, want[i].Parameters = order.ReportClass, order.UserID, order.Parameters
	}
	got := readJobs(t, m.db, order.UserID)
	for i := range got {
		got[i].Created = got[i].Created.UTC()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-ordered +read)\n%s", diff)
	}
	for _, c := range []struct {
		placed report.Submission
		due    time.Time
		queued bool // may start at once
	}{{soon, noon, true}, {later, order.Due, false}} {
		binary, data, err := m.result(t, order.UserID, c.placed.Binary.ID)
		if err != nil || string(data) != report.Placeholder || binary != c.placed.Binary {
			t.Errorf("the placeholder is %+v %q, %v, want %+v", binary, data, err, c.placed.Binary)
		}
		state, err := m.orders.State(t.Context(), order.UserID, c.placed.JobID)
		if err != nil || !state.Due.Equal(c.due) || state.BinaryID != c.placed.Binary.ID || state.ReportClass != order.ReportClass || state.Status.Final() {
			t.Errorf("stage %+v, %v", state, err)
		}
		var job uuid.UUID
		var begun bool
		m.scan(t, `select (args->>'job_id')::uuid, scheduled_at <= now() from reporting_river.river_job where id = $1`, []any{m.entry(t, c.placed.JobID)}, &job, &begun)
		if report.JobID(job) != c.placed.JobID || c.queued && !begun {
			t.Errorf("the queue has %s (at once: %v), want %s", job, begun, c.placed.JobID)
		}
	}
	var at time.Time
	if m.scan(t, `select scheduled_at from reporting_river.river_job where id = $1`, []any{m.entry(t, later.JobID)}, &at); !at.Equal(order.Due) {
		t.Errorf("the queue has it due at %s, want %s", at, order.Due)
	}
}

// An order is placed whole, or not at all.
func TestOrdersAreAllOrNothing(t *testing.T) {
	t.Parallel()
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := newLifecycleOn(t, pgtest.New(t), brokenQueue{entries})
	empty := m.everything(t)
	good := report.Order{ReportClass: "c", UserID: "u", Parameters: []byte(`{"resourceType":"Parameters"}`)}
	for name, change := range map[string]func(*report.Order){
		"the queue fails":        func(*report.Order) {},
		"parameters are no JSON": func(o *report.Order) { o.Parameters = []byte(`{`) },
		"no user":                func(o *report.Order) { o.UserID = "" },
		"no class":               func(o *report.Order) { o.ReportClass = "" },
	} {
		order := good
		change(&order)
		if _, err := m.orders.Submit(t.Context(), order); err == nil {
			t.Errorf("%s: no error", name)
		}
		if diff := cmp.Diff(empty, m.everything(t)); diff != "" {
			t.Errorf("%s: left something behind\n%s", name, diff)
		}
	}
	if _, err := m.orders.Submit(t.Context(), good); !errors.Is(err, errBroken) {
		t.Errorf("%v does not hold its cause", err)
	}
}

// unfinished gives a user so many jobs, half of them running.
func (m *lifecycle) unfinished(t *testing.T, user string, jobs int) {
	t.Helper()
	m.db.Exec(t, `
		with jobs as (
		    insert into report_job (report_class, user_id, status, created_at, started_at, parameters)
		    select 'c', $1, case n % 2 when 0 then 'RUNNING' else 'QUEUED' end, now(), case n % 2 when 0 then now() end, '{"resourceType":"Parameters"}'
		      from generate_series(1, $2::integer) n returning id)
		insert into report_attempt (job_id, due_at) select id, now() from jobs`, user, jobs)
	// Jobs of other programs do not count.
	m.db.Exec(t, `insert into report_job (report_class, user_id, status, parameters) values ('c', $1, 'QUEUED', '{"resourceType":"Parameters"}')`, user)
}

func TestOrdersHaveALimit(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	m.unfinished(t, "u", report.MaxUnfinishedJobs-1)
	last := m.submit(t, "u", time.Time{})
	before := m.everything(t)
	_, err := m.orders.Submit(t.Context(), report.Order{ReportClass: "c", UserID: "u", Parameters: []byte(`{"resourceType":"Parameters"}`)})
	wantKind(t, err, report.LimitExceeded)
	if diff := cmp.Diff(before, m.everything(t)); diff != "" {
		t.Errorf("a refused order left something behind\n%s", diff)
	}
	m.submit(t, "v", time.Time{}) // other users have limits of their own
	if err := m.orders.Cancel(t.Context(), "u", last.JobID); err != nil {
		t.Fatal(err)
	}
	m.submit(t, "u", noon.Add(time.Hour)) // ended jobs do not count
}

func TestUsersSeeOnlyTheirOrders(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	theirs := m.submit(t, "v", time.Time{})
	before := m.everything(t)
	for _, user := range []string{"u", "V", "v ", ""} {
		_, err := m.orders.State(t.Context(), user, theirs.JobID)
		wantKind(t, err, report.NotFound)
		wantKind(t, m.orders.Cancel(t.Context(), user, theirs.JobID), report.NotFound)
		wantKind(t, m.binaries.Delete(t.Context(), user, theirs.Binary.ID), report.NotFound)
	}
	wantKind(t, m.orders.Cancel(t.Context(), "v", report.JobID(uuid.New())), report.NotFound)
	if diff := cmp.Diff(before, m.everything(t)); diff != "" {
		t.Errorf("another user changed something\n%s", diff)
	}
}

// Cancel ends a job that has not ended, and deletes the Binary of one that has.
func TestCancel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to   func(t *testing.T, m *lifecycle, id report.JobID)
		want report.Status
	}{
		"waiting": {func(*testing.T, *lifecycle, report.JobID) {}, report.Cancelled},
		"running": {func(t *testing.T, m *lifecycle, id report.JobID) { t.Helper(); m.begin(t, id) }, report.Cancelled},
		"done": {func(t *testing.T, m *lifecycle, id report.JobID) {
			t.Helper()
			m.finish(t, m.begin(t, id), "result")
		}, report.Done},
		"failed": {func(t *testing.T, m *lifecycle, id report.JobID) {
			t.Helper()
			if err := m.attempts.Fail(t.Context(), m.begin(t, id), "reason"); err != nil {
				t.Fatal(err)
			}
		}, report.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newLifecycle(t)
			placed := m.submit(t, "u", time.Time{})
			c.to(t, m, placed.JobID)
			m.clock.advance(time.Second)
			for range 2 { // the second time changes nothing
				if err := m.orders.Cancel(t.Context(), "u", placed.JobID); err != nil {
					t.Fatal(err)
				}
				m.clock.advance(time.Second)
			}
			job := readJobs(t, m.db, "u")[0]
			if job.Status != c.want || job.Ended.After(noon.Add(time.Second)) || job.Ended.IsZero() {
				t.Errorf("%s at %s, want %s", job.Status, job.Ended, c.want)
			}
			state, err := m.orders.State(t.Context(), "u", placed.JobID)
			if err != nil || state.BinaryID != 0 || state.Status != c.want {
				t.Errorf("%+v, %v", state, err)
			}
			_, _, err = m.result(t, "u", placed.Binary.ID)
			wantKind(t, err, report.Deleted)
			var left int
			if m.scan(t, `select count(*) from report_binary_piece`, nil, &left); left != 0 {
				t.Errorf("%d pieces are left", left)
			}
		})
	}
}

// Users cannot cancel the jobs of other programs, which have no placeholder.
func TestJobsOfOthersAreNotCancelled(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := report.JobID{1}
	m.db.Exec(t, `insert into report_job (id, report_class, user_id, status, parameters) values ($1, 'c', 'u', 'QUEUED', '{"resourceType":"Parameters"}')`, [16]byte(id))
	_, err := m.orders.State(t.Context(), "u", id)
	wantKind(t, err, report.NotFound)
	wantKind(t, m.orders.Cancel(t.Context(), "u", id), report.NotFound)
	if status := m.status(t, id); status != report.Queued {
		t.Errorf("it is %s", status)
	}
}

// Clients compare whole seconds.
func TestResultsAreInALaterSecond(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	placed := m.submit(t, "u", time.Time{})
	m.finish(t, m.begin(t, placed.JobID), "x")
	made, _, err := m.result(t, "u", placed.Binary.ID)
	if err != nil || !made.LastUpdated.Truncate(time.Second).After(placed.Binary.LastUpdated.Truncate(time.Second)) {
		t.Errorf("%s after %s, %v", made.LastUpdated, placed.Binary.LastUpdated, err)
	}
}
