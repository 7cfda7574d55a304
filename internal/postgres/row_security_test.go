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

// everybody reads as a query does that forgot whose rows it wants.
func everybody(t *testing.T, url, user string) []string {
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

func TestSecondWall(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("a", noon), job("b", noon), job("A", noon), job("a ", noon))
	for _, row := range []struct{ user, want string }{
		{"a", "[a a]"}, {"b", "[b]"}, {"A", "[A]"}, {"a ", "[a ]"}, {"%", "[]"}, {"", "[]"},
	} {
		if got := fmt.Sprint(everybody(t, db.Reader, row.user)); got != row.want {
			t.Errorf("%q sees the jobs of %s, want %s", row.user, got, row.want)
		}
	}
	// Without the wall they do see one another, or the test would prove nothing.
	db.Exec(t, "alter table report_job disable row level security")
	if got := everybody(t, db.Reader, "b"); len(got) != 5 {
		t.Errorf("without the wall b sees %v", got)
	}
}

// count runs a query of one number.
func count(t *testing.T, conn *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheWallForgets(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon))
	// One connection, so that what one request leaves behind is there for the next.
	pool := openPool(t, db.Reader, 1)
	jobs := postgres.NewJobStore(pool, 5*time.Second)
	nobody := postgres.WithoutUserFilter(jobs)
	for range 2 {
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "a"}, func(*report.Job) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := nobody.EachJob(t.Context(), report.Filter{}, func(job *report.Job) error {
			t.Errorf("nobody sees a job of %s, whose request was before", job.UserID)
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

// The wall stands for logins that mistakes have given more than they need.
func TestTheWallForOtherLogins(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("b", noon))
	for _, row := range []struct {
		grants, also string
		well         bool
		sees         int // of two jobs, with a query that forgot whose
	}{
		{"in role reporting_reader", "", true, 1},
		{"in role reporting_reader, reporting_producer", "", true, 1},
		{"in role reporting_reader, reporting_owner", "", false, 2},
		{"in role reporting_reader", "grant select on report_job to", true, 1},
		{"bypassrls in role reporting_reader", "", false, 2},
		{"superuser", "", false, 2},
		// Held by row-level security, but not by the policy for readers.
		{"", "grant select on report_job, reporting_schema_version to", false, 0},
		{"in role reporting_producer", "grant select on report_job, reporting_schema_version to", false, 2},
	} {
		role := uniqueRole()
		db.Exec(t, "create role "+role+" "+row.grants)
		if row.also != "" {
			db.Exec(t, row.also+" "+role)
		}
		url := postgres.WithRole(db.Superuser, role)
		if got := len(everybody(t, url, "a")); got != row.sees {
			t.Errorf("%s %s: sees %d of two jobs", row.grants, row.also, got)
		}
		// Where the wall does not hold, or hides everything, the service says so.
		if err := checkHealth(t, url); row.well != (err == nil) || err != nil && !strings.Contains(err.Error(), "reporting_reader") {
			t.Errorf("%s %s: health %v", row.grants, row.also, err)
		}
	}
	db.Exec(t, "alter table report_job disable row level security")
	if err := checkHealth(t, db.Reader); err == nil || !strings.Contains(err.Error(), "enable row level security") {
		t.Errorf("without the wall: health %v", err)
	}
}

// Behind a PgBouncer the connection string may choose another way to send queries.
// The wall stands in all of them, and so does what is in front of it.
func TestTheWallInEveryMode(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("a", noon), job("a", noon), job("b", noon))
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec"} {
		url := db.Reader + " default_query_exec_mode=" + mode
		if strings.Contains(db.Reader, "://") {
			url = db.Reader + "&default_query_exec_mode=" + mode
		}
		for range 2 { // the second time statements may be cached
			if got := fmt.Sprint(everybody(t, url, "a")); got != "[a a]" {
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
