// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strings"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

func TestExamineWorker(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it makes a database for each fault")
	}
	unchanged, other := pgtest.New(t), pgtest.New(t)
	for name, tt := range map[string]struct {
		login, sql string
		change     func(*postgres.WorkerExamination)
		want       []string
	}{
		"correct":          {login: workerLogin},
		"shared login":     {login: workerLogin + ", reporting_reader", change: func(e *postgres.WorkerExamination) { e.OrdersURL = e.URL }},
		"may not work":     {login: ordersLogin, want: []string{"error workers: the workers' login may not act as reporting_worker; grant reporting_worker"}},
		"no schema":        {login: workerLogin, sql: "drop table reporting_river.river_job", want: []string{"error workers: the database has no tables for workers"}},
		"may not delete":   {login: workerLogin, sql: "revoke delete on report_job from reporting_worker", want: []string{"error workers: roles lack privileges: reporting_worker: delete on report_job;"}},
		"no sequence":      {login: workerLogin, sql: "revoke all on sequence reporting_river.river_job_id_seq from reporting_worker", want: []string{"error workers: roles lack privileges: reporting_worker: usage on reporting_river.river_job_id_seq"}},
		"few connections":  {login: "connection limit 3 " + workerLogin, want: []string{"error workers: an instance opens up to 8 connections, and its login may open 3"}},
		"clock skew":       {login: workerLogin, change: func(e *postgres.WorkerExamination) { e.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, want: []string{"error workers: the clock"}},
		"another database": {login: workerLogin, change: func(e *postgres.WorkerExamination) { e.OrdersURL = other.Reader }, want: []string{"error workers: workers use another database"}},
		"no such host":     {login: workerLogin, change: func(e *postgres.WorkerExamination) { e.URL = "postgres://u:hunter2@127.0.0.1:1/x" }, want: []string{"error workers: connect workers to the database"}},
		"pooler": {login: workerLogin, change: func(e *postgres.WorkerExamination) {
			e.URL = startPooler(t, postgres.WithRole(e.URL, postgres.WorkerRole), &pooler{})
		}, want: []string{"warning workers: a pooler is between"}},
		"pooler refuses the role": {login: workerLogin, change: func(e *postgres.WorkerExamination) { e.URL = startPooler(t, e.URL, &pooler{}) }, want: []string{"error workers: sessions act as"}},
	} {
		db := unchanged
		if tt.sql != "" {
			db = pgtest.New(t)
			db.Exec(t, tt.sql)
		}
		e := postgres.WorkerExamination{URL: as(t, db, tt.login), Setting: "REPORTING_WORKER_DATABASE_URL", Connections: 8, Now: time.Now}
		e.OrdersURL = as(t, db, ordersLogin)
		if tt.change != nil {
			tt.change(&e)
		}
		notable, all := findings(t, e.Check())
		expectLines(t, name, notable, tt.want)
		if name == "correct" {
			expectLines(t, "all", all, []string{
				"ok workers:|may act as reporting_worker", "ok workers:|clock", "ok workers:|up to 8", "ok workers:|may do what is needed", "ok workers:|the database of orders",
			})
		}
	}
}

// A fault of the login is not an error of the database.
func TestCheckRequester(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	url := as(t, db, readerLogin)
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
