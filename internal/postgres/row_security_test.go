// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// visibleOwners reads jobs without the user filter, and returns their owners.
func visibleOwners(t *testing.T, url, user string) []string {
	t.Helper()
	jobs := postgres.WithoutUserFilter(postgres.NewJobStore(openPool(t, url, 1), 5*time.Second))
	var owners []string
	err := jobs.EachJob(t.Context(), report.Filter{UserID: user}, func(job *report.Job) error {
		owners = append(owners, job.UserID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return owners
}

func TestRowSecurityHidesOtherUsers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("a", noon), job("b", noon), job("A", noon), job("a ", noon))
	for _, row := range []struct{ user, want string }{
		{"a", "[a a]"}, {"b", "[b]"}, {"A", "[A]"}, {"a ", "[a ]"}, {"%", "[]"}, {"", "[]"},
	} {
		if got := fmt.Sprint(visibleOwners(t, db.Reader, row.user)); got != row.want {
			t.Errorf("%q sees the jobs of %s, want %s", row.user, got, row.want)
		}
	}
	// Without row-level security users see all jobs, so the test can fail.
	db.Exec(t, "alter table report_job disable row level security")
	if got := visibleOwners(t, db.Reader, "b"); len(got) != 5 {
		t.Errorf("without row-level security b sees %v", got)
	}
}

// count runs a query that returns one number.
func count(t *testing.T, conn *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRowSecurityForgetsUserAfterBatch(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon))
	// With one connection, the next request would see a setting that stays.
	pool := openPool(t, db.Reader, 1)
	jobs := postgres.NewJobStore(pool, 5*time.Second)
	unfiltered := postgres.WithoutUserFilter(jobs)
	for range 2 {
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "a"}, func(*report.Job) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := unfiltered.EachJob(t.Context(), report.Filter{}, func(job *report.Job) error {
			t.Errorf("a request without a user sees a job of %s, the user of the request before", job.UserID)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	conn := pgtest.Connect(t, db.Reader)
	if n := count(t, conn, "select count(*) from report_job"); n != 0 {
		t.Errorf("without the setting %d rows", n)
	}
	batch := &pgx.Batch{}
	batch.Queue(postgres.SetUser, "a")
	if err := conn.SendBatch(t.Context(), batch).Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, conn, "select count(*) from report_job"); n != 0 {
		t.Errorf("the setting outlives its batch: %d rows", n)
	}
}

// Row-level security applies to logins with too many roles, or the health check fails.
func TestRowSecurityOfOtherLogins(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("b", noon))
	for _, row := range []struct {
		grants, also string
		healthy      bool
		sees         int // of two jobs, without the user filter
	}{
		{"in role reporting_reader", "", true, 1},
		{"in role reporting_reader, reporting_producer", "", true, 1},
		{"in role reporting_reader, reporting_owner", "", false, 2},
		{"in role reporting_reader", "grant select on report_job to", true, 1},
		{"bypassrls in role reporting_reader", "", false, 2},
		{"superuser", "", false, 2},
		// Row-level security applies, but not the policy for readers.
		{"", "grant select on report_job, reporting_schema_version to", false, 0},
		{"in role reporting_producer", "grant select on report_job, reporting_schema_version to", false, 2},
	} {
		role := uniqueRole()
		db.Exec(t, "create role "+role+" "+row.grants)
		if row.also != "" {
			db.Exec(t, row.also+" "+role)
		}
		url := postgres.WithRole(db.Superuser, role)
		if got := len(visibleOwners(t, url, "a")); got != row.sees {
			t.Errorf("%s %s: sees %d of two jobs", row.grants, row.also, got)
		}
		// Where row-level security does not apply, or hides everything, the service is not ready.
		if err := checkHealth(t, url); row.healthy != (err == nil) || err != nil && !strings.Contains(err.Error(), "reporting_reader") {
			t.Errorf("%s %s: health %v", row.grants, row.also, err)
		}
	}
	db.Exec(t, "alter table report_job disable row level security")
	if err := checkHealth(t, db.Reader); err == nil || !strings.Contains(err.Error(), "enable row level security") {
		t.Errorf("without row-level security: health %v", err)
	}
}

// The connection string may choose another execution mode, for a pooler. Row-level security
// and filters work in all of them.
func TestRowSecurityInEveryExecMode(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("a", noon), job("b", noon))
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec"} {
		url := db.Reader + " default_query_exec_mode=" + mode
		if strings.Contains(db.Reader, "://") {
			url = db.Reader + "&default_query_exec_mode=" + mode
		}
		for range 2 { // the second read may use cached statements
			if got := fmt.Sprint(visibleOwners(t, url, "a")); got != "[a a]" {
				t.Errorf("%s: a sees the jobs of %s", mode, got)
			}
		}
		jobs := postgres.NewJobStore(openPool(t, url, 1), 5*time.Second)
		filter := report.Filter{UserID: "a", Statuses: []report.Status{report.Queued}, Since: noon, Count: 1}
		seen := 0
		if err := jobs.EachJob(t.Context(), filter, func(*report.Job) error { seen++; return nil }); err != nil || seen != 1 {
			t.Errorf("%s: %d jobs, %v", mode, seen, err)
		}
	}
}
