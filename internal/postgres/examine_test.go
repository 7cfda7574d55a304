// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/devpg"
	"reporting/internal/doctor"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

// findings runs checks, and returns their findings, a line each: those that are not ok, and
// all.
func findings(t *testing.T, checks ...doctor.Check) (notable, all []string) {
	t.Helper()
	doctor.Run(t.Context(), checks, func(f doctor.Finding) {
		line := fmt.Sprintf("%s %s: %s; %s", f.Result, f.Area, f.Message, f.Remedy)
		all = append(all, line)
		if f.Result != doctor.OK {
			notable = append(notable, line)
		}
		if strings.Contains(line, "hunter2") {
			t.Errorf("shows the password: %s", line)
		}
		if (f.Result == doctor.Error || f.Result == doctor.Warning) && f.Remedy == "" {
			t.Errorf("has no remedy: %s", line)
		}
	})
	return notable, all
}

func examine(t *testing.T, e postgres.Examination) (notable, all []string) {
	t.Helper()
	if e.Area == "" {
		e.Area, e.Setting = "database", "REPORTING_DATABASE_URL"
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	return findings(t, e.Checks()...)
}

// expectLines compares lines with what each of them begins with and, after a bar, contains.
func expectLines(t *testing.T, name string, lines, want []string) {
	t.Helper()
	for _, w := range want {
		begin, part, _ := strings.Cut(w, "|")
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }) {
			t.Errorf("%s: no %q in %q", name, w, lines)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%s: %d lines, want %d: %q", name, len(lines), len(want), lines)
	}
}

// as returns the connection string of a new login on db.
func as(t *testing.T, db pgtest.Database, attributes string) string {
	t.Helper()
	role := uniqueRole()
	db.Exec(t, "create role "+role+" login "+attributes)
	return strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+role+"@", 1)
}

// loginOf returns the user of a connection string.
func loginOf(url string) string {
	login, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
	return login
}

const (
	readerLogin = "in role reporting_reader"
	ordersLogin = "in role reporting_reader, reporting_requester"
	workerLogin = "in role reporting_worker"
)

// withData returns a database with a job and a Binary.
func withData(t *testing.T) pgtest.Database {
	t.Helper()
	db := pgtest.New(t)
	db.Load(t, job("a", noon))
	db.Exec(t, `insert into report_binary (user_id) values ('a')`)
	return db
}

func TestExamineCorrectInstallation(t *testing.T) {
	t.Parallel()
	db := withData(t)
	url := as(t, db, ordersLogin)
	db.Exec(t, "alter role "+loginOf(url)+" set default_transaction_read_only = on") // the checks change nothing
	_, all := examine(t, postgres.Examination{URL: url, Orders: true})
	expectLines(t, "all", all, []string{
		"ok database:|accepts the login", "ok database:|stays on this machine", "ok server:|clock", "ok server:|up to 9 connections", "ok server:|primary",
		"ok schema:|as required", "ok role:|row-level security applies", "ok orders:|may do what is needed", "ok orders:|may act as reporting_requester", "ok pooler:|no pooler",
	})
}

// Each row breaks one thing, which alone is reported.
func TestExamineFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it makes a database for each fault")
	}
	unchanged := withData(t)
	for name, tt := range map[string]struct {
		login, sql string
		orders     bool
		url        func(string) string
		change     func(*postgres.Examination)
		want       []string
	}{
		"superuser":          {login: "superuser", want: []string{"error role:|is a superuser"}},
		"bypassrls":          {login: "bypassrls " + readerLogin, want: []string{"error role:|BYPASSRLS"}},
		"owner":              {login: readerLogin + ", reporting_owner", want: []string{"error role:|a member of reporting_owner"}},
		"no role":            {want: []string{"error schema:|may not read the tables", "skipped role:|schema"}},
		"security off":       {login: readerLogin, sql: "alter table report_job disable row level security", want: []string{"error role:|enable row level security"}},
		"policy dropped":     {login: readerLogin, sql: "drop policy report_job_reader_own on report_job", want: []string{"error role:|does not hold"}},
		"old schema":         {login: readerLogin, sql: "delete from reporting_schema_version where version_id > 1", want: []string{`error schema:|run "reporting migrate"`, "skipped role:|"}},
		"new schema":         {login: readerLogin, sql: "insert into reporting_schema_version (version_id, is_applied) values (9999, true)", want: []string{"warning schema:|version 9999"}},
		"few connections":    {login: "connection limit 4 " + readerLogin, want: []string{"error server:|up to 9 connections, and its login may open 4"}},
		"clock skew":         {login: readerLogin, change: func(e *postgres.Examination) { e.Now = func() time.Time { return time.Now().Add(-10 * time.Second) } }, want: []string{"warning server:|10s ahead of"}},
		"large clock skew":   {login: readerLogin, change: func(e *postgres.Examination) { e.Now = func() time.Time { return time.Now().Add(time.Hour) } }, want: []string{"error server:|behind"}},
		"replica is primary": {login: readerLogin, change: func(e *postgres.Examination) { e.Area, e.Replica, e.Setting = "replica", true, "X" }, want: []string{"warning replica server:|not a standby"}},
		"no such host": {login: readerLogin, url: func(string) string { return "postgres://u:hunter2@127.0.0.1:1/x" }, want: []string{
			"error database:|connection refused", "skipped server:|database", "skipped schema:|database", "skipped role:|schema", "skipped pooler:|database",
		}},
		"no such database": {login: readerLogin, url: func(url string) string { return strings.Replace(url, "/test_", "/absent_", 1) }, want: []string{
			"error database:|3D000", "skipped server:|", "skipped schema:|", "skipped role:|", "skipped pooler:|",
		}},
		"may not order":               {login: readerLogin, orders: true, want: []string{"error orders:|may not act as reporting_requester"}},
		"security of results off":     {login: ordersLogin, orders: true, sql: "alter table report_binary disable row level security", want: []string{"error orders:|row-level security is off for report_binary"}},
		"requester may not queue":     {login: ordersLogin, orders: true, sql: "revoke insert on reporting_river.river_job from reporting_requester", want: []string{"error orders:|reporting_requester: insert on reporting_river.river_job"}},
		"requester may not cancel":    {login: ordersLogin, orders: true, sql: "revoke update (ended_at) on report_job from reporting_requester", want: []string{"error orders:|update ended_at status on report_job"}},
		"reader may not read results": {login: ordersLogin, orders: true, sql: "revoke select on report_binary_piece from reporting_reader", want: []string{"error orders:|reporting_reader: select on report_binary_piece"}},
		"no queue":                    {login: ordersLogin, orders: true, sql: "drop table reporting_river.river_job", want: []string{`error orders:|run "reporting migrate"`}},
		"no queue, no orders":         {login: readerLogin, sql: "drop table reporting_river.river_job"},
	} {
		db := unchanged
		if tt.sql != "" {
			db = withData(t)
			db.Exec(t, tt.sql)
		}
		url := as(t, db, tt.login)
		if tt.url != nil {
			url = tt.url(url)
		}
		e := postgres.Examination{URL: url, Orders: tt.orders}
		if tt.change != nil {
			tt.change(&e)
		}
		notable, _ := examine(t, e)
		expectLines(t, name, notable, tt.want)
	}
}

// This server asks for a password, unlike that of the other tests.
func TestExamineWrongPassword(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster of its own")
	}
	server, err := devpg.Start(t.Context(), devpg.Options{DataDir: pgtest.Dir(t) + "/data"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	admin := pgtest.Connect(t, server.URL("postgres", "postgres"))
	for _, sql := range []string{
		"create role r login password 'right'", "create table hba (line text)", "insert into hba values ('local all r scram-sha-256'), ('local all postgres trust')",
		"copy hba to program 'cat > pg_hba.conf'", "select pg_reload_conf()",
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	url := strings.Replace(server.URL("r", "postgres"), "r@", "r:hunter2@", 1)
	var notable []string
	eventually(t, "the server has reloaded its file", func() bool {
		notable, _ = examine(t, postgres.Examination{URL: url})
		return slices.ContainsFunc(notable, func(l string) bool { return strings.Contains(l, "28P01") })
	})
	if len(notable) != 5 || !strings.HasPrefix(notable[0], "error database: the database refuses the login (SQL state 28P01)") {
		t.Errorf("%q", notable)
	}
}

func TestExamineBehindPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for options, row := range map[string]struct {
		pooler *pooler
		want   string
	}{
		"":                              {&pooler{sessions: 2}, "error pooler: the pooler in front of the database loses prepared statements"},
		"&default_query_exec_mode=exec": {&pooler{sessions: 2}, "ok pooler: a pooler is between the service and the server, and no statements"},
		"&pool_max_conns=3":             {&pooler{}, "ok pooler: a pooler is between the service and the server, and keeps"},
		"&pool_max_conns=4":             {&pooler{sessions: 1, tracks: true}, "ok pooler: a pooler is between the service and the server, and keeps"},
	} {
		_, all := examine(t, postgres.Examination{URL: startPooler(t, db.Reader, row.pooler) + options})
		if !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, row.want) }) {
			t.Errorf("%q: no %q in %q", options, row.want, all)
		}
	}
}

func TestExamineWithoutSchema(t *testing.T) {
	t.Parallel()
	notable, _ := examine(t, postgres.Examination{URL: pgtest.Empty(t).Superuser})
	expectLines(t, "no schema", notable, []string{"error schema:|no schema (SQL state 42P01)", "skipped role:|"})
}

// A check that waits for a lock ends, and the checks after it run.
func TestExamineLockedTable(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for a timeout")
	}
	db := pgtest.New(t)
	blocker := pgtest.Connect(t, db.Superuser)
	if _, err := blocker.Exec(t.Context(), "begin; lock table reporting_schema_version in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	e := postgres.Examination{Area: "database", Setting: "X", URL: as(t, db, readerLogin), Now: time.Now}
	checks := e.Checks()
	for i, run := range checks {
		checks[i].Run = func(ctx context.Context) []doctor.Finding {
			ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			defer cancel()
			return run.Run(ctx)
		}
	}
	notable, all := findings(t, checks...)
	expectLines(t, "locked", notable, []string{"error schema:|the database does not answer in time", "skipped role:|schema"})
	if !strings.HasPrefix(all[len(all)-1], "ok pooler: ") {
		t.Errorf("the last check did not run: %q", all)
	}
}
