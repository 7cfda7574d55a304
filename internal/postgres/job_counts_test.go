// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// The login of the service reads the jobs of one user, and counts those of all.
func TestJobCounts(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool := openPool(t, db.Reader, 2)
	empty, err := pool.JobCounts(t.Context())
	if err != nil || len(empty.Jobs) != len(report.Statuses()) || empty.Jobs[report.Done] != 0 || len(empty.Oldest) != 0 || len(empty.Finished) != 0 {
		t.Errorf("without jobs: %+v, %v", empty, err)
	}
	const parameters = `'{"resourceType":"Parameters"}'`
	db.Exec(t, `insert into report_job (report_class, user_id, status, created_at, started_at, ended_at, parameters)
		select class, 'user' || n, status, now() - created, now() - started, now() - ended, `+parameters+`
		  from generate_series(1, 2) n, (values
			('a', 'SCHEDULED', interval '3 h', null::interval, null::interval),
			('a', 'RUNNING', '4 h', '2 h', null),
			('b', 'RUNNING', '9 h', '1 h', null),
			('a', 'DONE', '4 h', '3 h', '59 min'),
			('b', 'DONE', '4 h', '3 h', '58 min'),
			('b', 'FAILED', '4 h', '3 h', '57 min'),
			('a', 'DONE', '4 h', '3 h', '61 min')
		  ) j (class, status, created, started, ended)`)
	got, err := pool.JobCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (map[report.Status]int64{
		report.Scheduled: 2, report.Queued: 0, report.Running: 4, report.Done: 6, report.Failed: 2, report.Cancelled: 0,
	}); !maps.Equal(got.Jobs, want) {
		t.Errorf("jobs are %v, want %v", got.Jobs, want)
	}
	// Without an attempt, a job waits since its creation, and runs since its start.
	for status, want := range map[report.Status]time.Duration{report.Scheduled: 3 * time.Hour, report.Running: 2 * time.Hour} {
		if age := got.Oldest[status]; age < want || age > want+time.Minute {
			t.Errorf("the oldest %s job is %v old, want %v", status, age, want)
		}
	}
	finished := map[string]int64{}
	for _, f := range got.Finished {
		finished[string(f.Status)+" "+f.ReportClass] = f.Jobs
	}
	if want := map[string]int64{"DONE a": 2, "DONE b": 2, "FAILED b": 2}; !maps.Equal(finished, want) || len(got.Oldest) != 2 {
		t.Errorf("finished are %v, want %v; oldest %v", finished, want, got.Oldest)
	}
}

// A job with a due time waits from then on.
func TestJobCountsOfDueJobs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, `
		with made as (
			insert into report_job (id, report_class, user_id, status, created_at, parameters)
			select gen_random_uuid(), 'a', 'u', status, now() - interval '20 h', '{"resourceType":"Parameters"}'
			  from (values ('SCHEDULED'), ('QUEUED')) j (status)
			returning id, status)
		insert into report_attempt (job_id, due_at)
		select id, case status when 'QUEUED' then now() - interval '5 min' else now() + interval '4 h' end from made`)
	got, err := openPool(t, db.Reader, 1).JobCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if age := got.Oldest[report.Queued]; age < 5*time.Minute || age > 6*time.Minute {
		t.Errorf("a job that was due 5 minutes ago has waited for %v", age)
	}
	if age, told := got.Oldest[report.Scheduled]; !told || age != 0 {
		t.Errorf("a job that is due in 4 hours has waited for %v (%v)", age, told)
	}
}

// Many report classes do not make many time series.
func TestJobCountsMergeRareClasses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, `insert into report_job (report_class, user_id, status, created_at, started_at, ended_at, parameters)
		select 'class' || n, 'u', 'DONE', now(), current_timestamp, 'now', '{"resourceType":"Parameters"}'
		  from generate_series(1, 30) n, generate_series(1, n)`)
	got, err := openPool(t, db.Reader, 1).JobCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	finished := map[string]int64{}
	for _, f := range got.Finished {
		finished[f.ReportClass] += f.Jobs
	}
	if len(finished) != 21 || finished["class30"] != 30 || finished["class11"] != 11 || finished[postgres.OtherClasses] != 55 {
		t.Errorf("finished are %v", finished)
	}
}

func TestJobCountsUseIndexes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, query := range map[string]string{
		"report_job_unfinished": "select status, count(*) from report_job where ended_at is null group by status",
		"report_job_ended":      "select status, count(*) from report_job where ended_at is not null group by status",
	} {
		db.Exec(t, "set enable_seqscan = off; do $$ declare plan text; whole text := ''; begin for plan in execute "+
			fmt.Sprintf("'explain %s'", query)+" loop whole := whole || plan; end loop; if position('"+name+"' in whole) = 0 then raise exception '%', whole; end if; end $$")
	}
}

func TestJobCountsNeedReaderRole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if _, err := openPool(t, db.Producer, 1).JobCounts(t.Context()); err == nil {
		t.Error("a producer counted the jobs of all users")
	}
}
