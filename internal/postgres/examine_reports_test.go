// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/doctor"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

const orders = "in role reporting_reader, reporting_requester"

// loginOf is who a connection string is for.
func loginOf(url string) string {
	login, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
	return login
}

// Each row breaks one thing of what orders need, and nothing else is complained of.
func TestExamineReports(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		role, sql string
		want      string // what the only line begins with and, behind a bar, holds; empty: nothing
	}{
		"well":                {role: orders},
		"may not order":       {role: "in role reporting_reader", want: "wrong reports:|may not act as reporting_requester"},
		"works as well":       {role: orders + ", reporting_worker", want: "warning role:|reporting_reader and reporting_requester alone"},
		"wall of results off": {role: orders, sql: "alter table report_binary disable row level security", want: "wrong reports:|report_binary"},
		"policy dropped":      {role: orders, sql: "drop policy report_binary_piece_own on report_binary_piece", want: "wrong reports:|report_binary_piece_own"},
		"index dropped":       {role: orders, sql: "drop index report_binary_by_user", want: "wrong reports:|report_binary_by_user"},
		"constraint dropped":  {role: orders, sql: "alter table report_attempt drop constraint report_attempt_attempt", want: "warning reports:|report_attempt_attempt"},
		"index of the queue":  {role: orders, sql: "drop index river_job_prioritized_fetching_index", want: "wrong reports:|river_job_prioritized_fetching_index"},
		"right to order":      {role: orders, sql: "revoke insert on river_job from reporting_requester", want: "wrong reports:|reporting_requester insert river_job"},
		"right to cancel":     {role: orders, sql: "revoke update (ended_at) on report_job from reporting_requester", want: "wrong reports:|reporting_requester update report_job.ended_at"},
		"right of workers":    {role: orders, sql: "revoke all on sequence river_job_id_seq from reporting_worker", want: "wrong reports:|reporting_worker usage river_job_id_seq"},
		"no queue":            {role: orders, sql: "drop table river_job", want: `wrong reports:|run "reporting migrate"`},
	} {
		db := pgtest.New(t)
		db.Load(t, job("a", noon))
		url := as(t, db, tt.role)
		db.Exec(t, `insert into report_binary (user_id) values ('a')`)
		if tt.sql != "" {
			db.Exec(t, tt.sql)
		}
		notable, all := examine(t, postgres.Examination{URL: url, Reports: true})
		begin, part, _ := strings.Cut(tt.want, "|")
		fits := func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }
		if name == "wall of results off" { // which is also seen to be open
			notable = slices.DeleteFunc(notable, func(line string) bool { return strings.Contains(line, "is shown some: report_binary") })
		}
		if tt.want == "" && len(notable) > 0 || tt.want != "" && (len(notable) != 1 || !fits(notable[0])) {
			t.Errorf("%s: %q, want %q", name, notable, tt.want)
		}
		if tt.want == "" && !slices.ContainsFunc(all, func(line string) bool {
			return strings.HasPrefix(line, "ok reports: the login may act as reporting_requester")
		}) {
			t.Errorf("%s: nothing is said of orders: %q", name, all)
		}
	}
}

// A service that only tells how jobs are doing needs nothing of this.
func TestExamineWithoutReports(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, "drop table river_job")
	if notable, _ := examine(t, postgres.Examination{URL: as(t, db, "in role reporting_reader")}); len(notable) > 0 {
		t.Errorf("%q", notable)
	}
}

func examineWorker(t *testing.T, e postgres.WorkerExamination) (notable, all []string) {
	t.Helper()
	e.Setting = "REPORTING_WORKER_DATABASE_URL"
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Connections == 0 {
		e.Connections = 8
	}
	doctor.Run(t.Context(), []doctor.Check{e.Check()}, func(f doctor.Finding) {
		line := fmt.Sprintf("%s %s: %s; %s", f.Result, f.Area, f.Text, f.Mend)
		all = append(all, line)
		if f.Result != doctor.OK {
			notable = append(notable, line)
		}
	})
	return notable, all
}

func TestExamineWorker(t *testing.T) {
	t.Parallel()
	work := "in role reporting_worker"
	other := pgtest.New(t)
	for name, tt := range map[string]struct {
		role, sql string
		change    func(*postgres.WorkerExamination)
		want      []string
	}{
		"well":            {role: work},
		"may not work":    {role: orders, want: []string{"wrong workers: the workers' login may not act as reporting_worker; grant reporting_worker"}},
		"no schema":       {role: work, sql: "drop table river_job", want: []string{"wrong workers: the schema is not at version"}},
		"old queue":       {role: work, sql: "delete from river_migration where version > 5", want: []string{"wrong workers: the queue's schema has version 5"}},
		"few connections": {role: "connection limit 3 " + work, want: []string{"wrong workers: a process with workers opens up to 8 connections, and its login may have 3"}},
		"clock":           {role: work, change: func(e *postgres.WorkerExamination) { e.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, want: []string{"wrong workers: the clock"}},
		"shared login":    {role: work + ", reporting_reader", change: func(e *postgres.WorkerExamination) { e.Other = e.URL }, want: []string{"warning workers: the service and its workers share the login"}},
		"another database": {role: work, change: func(e *postgres.WorkerExamination) { e.Other = other.Reader }, want: []string{
			"wrong workers: workers look for jobs in another database",
		}},
		"away":   {role: work, change: func(e *postgres.WorkerExamination) { e.URL = "postgres://u:hunter2@127.0.0.1:1/x" }, want: []string{"wrong workers: workers cannot reach the database"}},
		"pooler": {role: work, change: func(e *postgres.WorkerExamination) { e.URL = startPooler(t, e.URL, &pooler{sessions: 2}) }, want: []string{"wrong workers: "}},
	} {
		db := pgtest.New(t)
		e := postgres.WorkerExamination{URL: as(t, db, tt.role)}
		e.Other = as(t, db, orders)
		if tt.sql != "" {
			db.Exec(t, tt.sql)
		}
		if tt.change != nil {
			tt.change(&e)
		}
		notable, all := examineWorker(t, e)
		if len(notable) != len(tt.want) {
			t.Errorf("%s: %q, want %q", name, notable, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(notable[i], want) || strings.Contains(notable[i], "hunter2") {
				t.Errorf("%s: %q, want %q", name, notable[i], want)
			}
		}
		if tt.want == nil && (len(all) != 6 || !strings.Contains(all[5], "in the database which orders go to")) {
			t.Errorf("%s: %q", name, all)
		}
	}
}

// What is wrong with the login is no error of the database.
func TestCheckRequester(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	url := as(t, db, "in role reporting_reader")
	pool := openPool(t, url, 2)
	if err := pool.CheckRequester(t.Context()); err == nil || report.KindOf(err) != report.Internal || !strings.Contains(err.Error(), "grant reporting_requester to "+loginOf(url)) {
		t.Errorf("%v", err)
	}
	db.Exec(t, "grant reporting_requester to "+loginOf(url))
	if err := pool.CheckRequester(t.Context()); err != nil {
		t.Error(err)
	}
	away := openPool(t, "postgres://u@127.0.0.1:1/x", 1)
	if err := away.CheckRequester(t.Context()); report.KindOf(err) != report.Unavailable {
		t.Errorf("%v", err)
	}
}
