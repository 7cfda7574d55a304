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

// examine returns what is found, a line each, without what is not worth a word.
func examine(t *testing.T, e postgres.Examination) (notable, all []string) {
	t.Helper()
	if e.Area == "" {
		e.Area, e.Setting = "database", "REPORTING_DATABASE_URL"
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.StatementTimeout == 0 {
		e.StatementTimeout = 5 * time.Second
	}
	doctor.Run(t.Context(), e.Checks(), func(f doctor.Finding) {
		line := fmt.Sprintf("%s %s: %s; %s", f.Result, f.Area, f.Text, f.Mend)
		all = append(all, line)
		if f.Result != doctor.OK {
			notable = append(notable, line)
		}
		if strings.Contains(line, "hunter2") {
			t.Errorf("shows the password: %s", line)
		}
		if (f.Result == doctor.Wrong || f.Result == doctor.Warning) && f.Mend == "" {
			t.Errorf("does not say what to do: %s", line)
		}
	})
	return notable, all
}

// as is the connection string of a new login on db.
func as(t *testing.T, db pgtest.Database, attributes string) string {
	t.Helper()
	role := uniqueRole()
	db.Exec(t, "create role "+role+" login "+attributes)
	return strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+role+"@", 1)
}

func TestExamineWhatIsWell(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon))
	url := as(t, db, "in role reporting_reader")
	role, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
	db.Exec(t, "alter role "+role+" set default_transaction_read_only = on") // it changes nothing
	notable, all := examine(t, postgres.Examination{URL: url})
	if len(notable) > 0 {
		t.Errorf("%q", notable)
	}
	for _, want := range []string{
		"takes connections", "is accepted", "a socket of this machine", "PostgreSQL ", "UTF-8", "clock", "primary", "round trip", "up to 9 connections",
		"REPORTING_STATEMENT_TIMEOUT", "which this program needs", "all 4 indexes", "all 9 constraints and triggers", "all 7 policies",
		"held by row-level security", "is shown none", "no pooler",
	} {
		if !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, "ok ") && strings.Contains(line, want) }) {
			t.Errorf("nothing is said of %q", want)
		}
	}
}

// Each row breaks one thing, and nothing else is complained of.
func TestExamineTrouble(t *testing.T) {
	t.Parallel()
	reader := "in role reporting_reader"
	for name, tt := range map[string]struct {
		role, sql string
		url       func(string) string
		change    func(*postgres.Examination)
		want      []string // what lines begin with and, behind a bar, hold
	}{
		"superuser":          {role: "superuser", want: []string{"wrong role:|is a superuser"}},
		"superuser's role":   {role: "superuser", url: func(url string) string { return postgres.WithRole(url, "reporting_reader") }, want: []string{"warning role:|logs in as a superuser"}},
		"bypasses":           {role: "bypassrls " + reader, want: []string{"wrong role:|BYPASSRLS"}},
		"owner":              {role: reader + ", reporting_owner", want: []string{"wrong role:|a member of reporting_owner"}},
		"stranger":           {want: []string{"wrong schema:|may not read the tables", "wrong role:|no member of reporting_reader"}},
		"writer too":         {role: reader + ", reporting_producer", want: []string{"warning role:|may also write jobs"}},
		"wall off":           {role: reader, sql: "alter table report_job disable row level security", want: []string{"wrong role:|enable row level security"}},
		"policy dropped":     {role: reader, sql: "drop policy report_job_reader_own on report_job", want: []string{"wrong schema:|report_job_reader_own", "wrong role:|does not hold"}},
		"index missing":      {role: reader, sql: "drop index report_job_by_user", want: []string{"wrong schema:|report_job_by_user"}},
		"index not valid":    {role: reader, sql: "update pg_index set indisvalid = false where indexrelid = 'report_job_by_user'::regclass", want: []string{"wrong schema:|report_job_by_user"}},
		"trigger off":        {role: reader, sql: "alter table report_job disable trigger report_job_check_transition", want: []string{"warning schema:|report_job_check_transition"}},
		"constraint dropped": {role: reader, sql: "alter table report_job drop constraint report_job_status_known", want: []string{"warning schema:|report_job_status_known"}},
		"old schema":         {role: reader, sql: "delete from reporting_schema_version where version_id > 1", want: []string{`wrong schema:|run "reporting migrate"`}},
		"new schema":         {role: reader, sql: "insert into reporting_schema_version (version_id, is_applied) values (9999, true)", want: []string{"warning schema:|version 9999"}},
		"impatient":          {role: reader, sql: "alter role ROLE set statement_timeout = '1s'", want: []string{"warning server:|statement_timeout of the login is 1s"}},
		"few connections":    {role: "connection limit 4 " + reader, want: []string{"wrong server:|up to 9 connections, and the login may have 4"}},
		"no second one":      {role: "connection limit 10 " + reader, want: []string{"warning server:|no room for a second one"}},
		"clock":              {role: reader, change: func(e *postgres.Examination) { e.Now = func() time.Time { return time.Now().Add(-10 * time.Second) } }, want: []string{"warning server:|10s ahead of ours"}},
		"clock, far off":     {role: reader, change: func(e *postgres.Examination) { e.Now = func() time.Time { return time.Now().Add(time.Hour) } }, want: []string{"wrong server:|behind ours"}},
		"no replica":         {role: reader, change: func(e *postgres.Examination) { e.Area, e.Replica, e.Setting = "replica", true, "X" }, want: []string{"warning replica server:|no standby"}},
		"no such host": {role: reader, url: func(string) string { return "postgres://u:hunter2@127.0.0.1:1/x" }, want: []string{
			"wrong database:|127.0.0.1:1 cannot be reached", "not run database:|database", "not run server:|database", "not run schema:|database",
			"not run role:|database", "not run pooler:|database",
		}},
		"one host of two": {role: reader, url: func(url string) string {
			_, rest, _ := strings.Cut(url, "host=")
			user, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
			socket, _, _ := strings.Cut(rest, "&")
			_, path, _ := strings.Cut(url, "@/")
			name, _, _ := strings.Cut(path, "?")
			return "host=127.0.0.1," + strings.ReplaceAll(socket, "%2F", "/") + " port=1,5432 user=" + user + " dbname=" + name
		}, want: []string{"warning database:|127.0.0.1:1 cannot be reached"}},
		"no such database": {role: reader, url: func(url string) string { return strings.Replace(url, "/test_", "/absent_", 1) }, want: []string{
			"wrong database:|3D000", "not run server:|", "not run schema:|", "not run role:|", "not run pooler:|",
		}},
	} {
		db := pgtest.New(t)
		db.Load(t, job("a", noon))
		url := as(t, db, tt.role)
		if tt.sql != "" {
			role, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
			db.Exec(t, strings.ReplaceAll(tt.sql, "ROLE", role))
		}
		if tt.url != nil {
			url = tt.url(url)
		}
		e := postgres.Examination{URL: url}
		if tt.change != nil {
			tt.change(&e)
		}
		notable, _ := examine(t, e)
		for _, want := range tt.want {
			begin, part, _ := strings.Cut(want, "|")
			if !slices.ContainsFunc(notable, func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }) {
				t.Errorf("%s: nothing like %q among %q", name, want, notable)
			}
		}
		if len(notable) > len(tt.want) {
			t.Errorf("%s: more than %q: %q", name, tt.want, notable)
		}
	}
}

// A login with a password, which the server of the other tests does not ask for.
func TestExamineWrongPassword(t *testing.T) {
	t.Parallel()
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
	for range 100 { // until the server has read its file
		if notable, _ = examine(t, postgres.Examination{URL: url}); slices.ContainsFunc(notable, func(l string) bool { return strings.Contains(l, "28P01") }) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(notable) != 5 || !strings.HasPrefix(notable[0], "wrong database: the database refuses the login (SQL state 28P01)") {
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
		"":                              {&pooler{sessions: 2}, "wrong pooler: the pooler in front of the database loses"},
		"&default_query_exec_mode=exec": {&pooler{sessions: 2}, "ok pooler: a pooler shares sessions (transaction mode) and would lose"},
		"&pool_max_conns=3":             {&pooler{}, "ok pooler: a pooler stands between, and gives each"},
		"&pool_max_conns=4":             {&pooler{sessions: 1, tracks: true}, "ok pooler: a pooler shares sessions (transaction mode), and prepared"},
	} {
		_, all := examine(t, postgres.Examination{URL: startPooler(t, db.Reader, row.pooler) + options})
		if !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, row.want) }) {
			t.Errorf("%q: nothing like %q among %q", options, row.want, all)
		}
	}
}

// An encoding in which text cannot be trusted, and no schema at all.
func TestExamineForeignDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	name := "ascii_" + uniqueRole()
	db.Exec(t, "create database "+name+" template template0 encoding 'SQL_ASCII' locale 'C'")
	_, rest, _ := strings.Cut(db.Superuser, "?")
	notable, _ := examine(t, postgres.Examination{URL: "postgres://postgres@/" + name + "?" + rest})
	if len(notable) != 3 || !strings.Contains(notable[0], "SQL_ASCII") || !strings.Contains(notable[1], `no schema (SQL state 42P01)`) ||
		!strings.HasPrefix(notable[2], "not run role:") {
		t.Errorf("%q", notable)
	}
}

// What is looked for is what migrations make: no more, and no less.
func TestExamineKnowsTheSchema(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.New(t).Superuser)
	for sql, needed := range postgres.Needed() {
		var names []string
		if err := conn.QueryRow(t.Context(), "select array_agg(name order by name) from ("+sql+") as there (name)").Scan(&names); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names, needed) {
			t.Errorf("migrations make\n%q, the doctor looks for\n%q", names, needed)
		}
	}
}

// A check that waits for a lock ends, and those after it have a connection nevertheless.
func TestExamineLockedTable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	blocker := pgtest.Connect(t, db.Superuser)
	if _, err := blocker.Exec(t.Context(), "begin; lock table reporting_schema_version in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	notable, all := examine(t, postgres.Examination{URL: as(t, db, "in role reporting_reader")})
	// A machine that is busy is far from its own database.
	notable = slices.DeleteFunc(notable, func(line string) bool { return strings.HasPrefix(line, "warning server: a round trip takes") })
	if len(notable) != 1 || !strings.HasPrefix(notable[0], "wrong schema: the database does not answer in time") ||
		!slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, "ok role: ") }) || !slices.Contains(all, "ok pooler: no pooler stands between; ") {
		t.Errorf("%q among %q", notable, all)
	}
}
