// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

func openPool(t *testing.T, url string, maxConns int32) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, maxConns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := pool.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// readJobs reads a user's jobs with the login of the service.
func readJobs(t *testing.T, db pgtest.Database, user string) []report.Job {
	t.Helper()
	return readFiltered(t, db, report.Filter{UserID: user})
}

func readFiltered(t *testing.T, db pgtest.Database, filter report.Filter) []report.Job {
	t.Helper()
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), 5*time.Second)
	var list []report.Job
	err := jobs.EachJob(t.Context(), filter, func(job *report.Job) error {
		kept := *job
		kept.Parameters = bytes.Clone(job.Parameters)
		list = append(list, kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func job(user string, created time.Time) report.Job {
	return report.Job{
		ID: report.JobID(uuid.New()), ReportClass: "com.example.Report", UserID: user, Status: report.Queued,
		Parameters: []byte(`{"resourceType":"Parameters"}`), Created: created,
	}
}

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestJobsAreReadAsStored(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	full := job("u", noon.Add(123456*time.Microsecond))
	full.Status, full.BinaryReference = report.Done, "Binary/7"
	full.Started, full.Ended = noon.Add(time.Second), noon.Add(time.Minute)
	full.ReportClass = "æøå 😀 \u2028 \x01 \" \\ <&>"
	full.Parameters = []byte(`{ "resourceType" : "Parameters", "x": 1.10, "x": 1e400 , "y":"\u0041\ud83d\ude00" }`)
	bare := job("u", noon)
	db.Load(t, full, bare)

	got := readJobs(t, db, "u")
	for i := range got {
		got[i].Created, got[i].Started, got[i].Ended = got[i].Created.UTC(), utc(got[i].Started), utc(got[i].Ended)
	}
	if diff := cmp.Diff([]report.Job{full, bare}, got); diff != "" {
		t.Errorf("(-stored +read)\n%s", diff)
	}
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func TestJobsAreOrdered(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	low, high := job("u", noon), job("u", noon)
	low.ID, high.ID = report.JobID{1}, report.JobID{2}
	newest, oldest := job("u", noon.Add(time.Microsecond)), job("u", noon.Add(-time.Hour))
	db.Load(t, oldest, high, newest, low)
	var order []report.JobID
	for _, j := range readJobs(t, db, "u") {
		order = append(order, j.ID)
	}
	if diff := cmp.Diff([]report.JobID{newest.ID, low.ID, high.ID, oldest.ID}, order); diff != "" {
		t.Error(diff)
	}
	// A cursor may lie between two jobs that were created at the same time.
	rest := readFiltered(t, db, report.Filter{UserID: "u", After: low.Cursor()})
	if len(rest) != 2 || rest[0].ID != high.ID || rest[1].ID != oldest.ID {
		t.Errorf("after the first of two: %v", rest)
	}
}

func TestJobsAreFiltered(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	newest, middle, oldest := job("u", noon.Add(time.Second)), job("u", noon), job("u", noon.Add(-time.Microsecond))
	middle.Status, middle.Started, middle.Ended = report.Failed, noon, noon
	oldest.Status = report.Scheduled
	db.Load(t, newest, middle, oldest, job("other", noon))
	for name, c := range map[string]struct {
		filter report.Filter
		want   []report.Job
	}{
		"all":                        {report.Filter{}, []report.Job{newest, middle, oldest}},
		"no status means all":        {report.Filter{Statuses: []report.Status{}}, []report.Job{newest, middle, oldest}},
		"one status":                 {report.Filter{Statuses: []report.Status{report.Failed}}, []report.Job{middle}},
		"two statuses":               {report.Filter{Statuses: []report.Status{report.Scheduled, report.Queued}}, []report.Job{newest, oldest}},
		"a status without jobs":      {report.Filter{Statuses: []report.Status{report.Done}}, nil},
		"since, itself included":     {report.Filter{Since: noon.In(time.FixedZone("", 3600))}, []report.Job{newest, middle}},
		"since just after":           {report.Filter{Since: noon.Add(time.Microsecond)}, []report.Job{newest}},
		"the newest":                 {report.Filter{Count: 2}, []report.Job{newest, middle}},
		"more than there are":        {report.Filter{Count: 1<<31 - 1}, []report.Job{newest, middle, oldest}},
		"after the newest":           {report.Filter{After: newest.Cursor()}, []report.Job{middle, oldest}},
		"after one, of a status":     {report.Filter{After: newest.Cursor(), Statuses: []report.Status{report.Scheduled}, Count: 5}, []report.Job{oldest}},
		"after the last":             {report.Filter{After: oldest.Cursor()}, nil},
		"after a deleted one":        {report.Filter{After: report.Cursor{Created: noon.Add(time.Millisecond)}}, []report.Job{middle, oldest}},
		"the newest of two statuses": {report.Filter{Count: 1, Statuses: []report.Status{report.Scheduled, report.Failed}}, []report.Job{middle}},
	} {
		c.filter.UserID = "u"
		var want, got []report.JobID
		for _, j := range c.want {
			want = append(want, j.ID)
		}
		for _, j := range readFiltered(t, db, c.filter) {
			got = append(got, j.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// User ids are opaque, and compared byte by byte.
func TestUsersAreComparedExactly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	users := []string{
		"user", "User", "user ", " user", "use", "user1", "%", "_ser", "u%", "'; drop table report_job; --",
		"Practitioner/user", "https://x.example/fhir/Practitioner/user", "user/_history/1",
		"e\u0301", "\u00e9", // the same letter in two encodings: two users
		"straße", "strasse", "İ", "i",
	}
	for _, user := range users {
		db.Load(t, job(user, noon))
	}
	for _, user := range users {
		jobs := readJobs(t, db, user)
		if len(jobs) != 1 || jobs[0].UserID != user {
			t.Errorf("%q sees %d jobs: %+v", user, len(jobs), jobs)
		}
	}
	for _, user := range []string{"", "nobody", "USER"} {
		if jobs := readJobs(t, db, user); len(jobs) != 0 {
			t.Errorf("%q sees %d jobs", user, len(jobs))
		}
	}
}

func TestErrorOfYieldEndsRead(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon), job("u", noon), job("u", noon))
	stop := errors.New("stop")
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	for range 3 { // the only connection is free again each time
		calls := 0
		err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, func(*report.Job) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Fatalf("error %v after %d calls", err, calls)
		}
	}
}

func wantKind(t *testing.T, err error, want report.Kind) {
	t.Helper()
	if err == nil || report.KindOf(err) != want {
		t.Errorf("error %v of kind %v, want %v", err, report.KindOf(err), want)
	}
}

func ignore(*report.Job) error { return nil }

func TestSlowStatementIsTimeout(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	blocker := pgtest.Connect(t, db.Superuser)
	if _, err := blocker.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	const limit = 200 * time.Millisecond
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), limit)
	begin := time.Now()
	wantKind(t, jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore), report.Timeout)
	if took := time.Since(begin); took < limit || took > 10*limit {
		t.Errorf("gave up after %v, limit %v", took, limit)
	}
	if _, err := blocker.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
		t.Errorf("read after the lock was released: %v", err)
	}
}

func TestReadOfDisconnectedClient(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantKind(t, jobs.EachJob(ctx, report.Filter{UserID: "u"}, ignore), report.Disconnected)
}

func TestExhaustedPoolIsUnavailable(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for acquireTimeout")
	}
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, func(*report.Job) error {
		begin := time.Now()
		wantKind(t, jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore), report.Unavailable)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("noticed after %v, want below 2 s", took)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A connection that died in the pool causes no error.
func TestDeadPooledConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it restarts a cluster")
	}
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	for range 3 {
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
			t.Fatal(err)
		}
		terminate(t, db)
	}
	if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
		t.Error(err)
	}
}

// terminate ends every other session of the database.
func terminate(t *testing.T, db pgtest.Database) {
	t.Helper()
	const others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
	db.Exec(t, "select pg_terminate_backend(pid) "+others)
	conn := pgtest.Connect(t, db.Superuser)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		var left int
		if err := conn.QueryRow(t.Context(), "select count(*) "+others+" and application_name = 'reporting'").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are still there", left)
		}
	}
}

// After the first row there is no retry, because the response has begun.
func TestNoRetryAfterFirstRow(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it restarts a cluster")
	}
	db := pgtest.New(t)
	db.Exec(t, `insert into report_job (report_class, user_id, status, parameters)
		select 'c', 'u', 'QUEUED', json_build_object('resourceType', 'Parameters', 'x', repeat('x', 1000)) from generate_series(1, 20000)`)
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	rows := 0
	err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, func(*report.Job) error {
		if rows++; rows == 1 {
			terminate(t, db)
		}
		return nil
	})
	wantKind(t, err, report.Unavailable)
	if rows == 0 || rows >= 20000 {
		t.Errorf("%d rows before the end", rows)
	}
}

// For poolers that lose prepared statements.
func TestJobsWithoutPreparedStatements(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	old, recent := job("u", noon), job("u", noon.Add(time.Second))
	db.Load(t, old, recent)
	for _, mode := range []string{"exec", "cache_describe", "describe_exec"} {
		jobs := postgres.NewJobStore(openPool(t, db.Reader+"&default_query_exec_mode="+mode, 1), 5*time.Second)
		for _, filter := range []report.Filter{{UserID: "u"}, {UserID: "u", Since: noon, Count: 2, Statuses: []report.Status{report.Queued}}} {
			var got []report.JobID
			err := jobs.EachJob(t.Context(), filter, func(j *report.Job) error {
				got = append(got, j.ID)
				return nil
			})
			if diff := cmp.Diff([]report.JobID{recent.ID, old.ID}, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", mode, err, diff)
			}
		}
	}
}

// A change of the table invalidates prepared statements, and causes no error.
func TestTableChangeInvalidatesStatements(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	for range 3 {
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, "alter table report_job drop constraint if exists report_job_report_class_length, alter column report_class type varchar(600)")
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, "alter table report_job alter column report_class type text")
	}
}

func TestMissingTableOrPrivilegeIsInternal(t *testing.T) {
	t.Parallel()
	empty := pgtest.Empty(t)
	jobs := postgres.NewJobStore(openPool(t, empty.Superuser, 1), 5*time.Second)
	wantKind(t, jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore), report.Internal)

	db := pgtest.New(t)
	jobs = postgres.NewJobStore(openPool(t, db.Producer, 1), 5*time.Second)
	wantKind(t, jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore), report.Internal)
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	pool := openPool(t, "postgres://nobody@127.0.0.1:1/nowhere", 1)
	jobs := postgres.NewJobStore(pool, 5*time.Second)
	wantKind(t, jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore), report.Unavailable)
}
