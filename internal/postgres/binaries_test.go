// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// requester is a login that reads and asks for users.
func requester(t *testing.T, db pgtest.Database) string {
	t.Helper()
	role := uniqueRole()
	db.Exec(t, fmt.Sprintf("create role %s in role reporting_reader, reporting_requester, reporting_worker", role))
	return postgres.WithRole(db.Superuser, role)
}

// results gives a user a running job and its placeholder, and a finished one with a
// result of two pieces and a bit.
func results(t *testing.T, db pgtest.Database, user string) (running, finished int64) {
	t.Helper()
	conn := pgtest.Connect(t, db.Superuser)
	for _, c := range []struct {
		id   *int64
		done bool
	}{{&running, false}, {&finished, true}} {
		status, ended := "RUNNING", "null"
		if c.done {
			status, ended = "DONE", "now()"
		}
		if err := conn.QueryRow(t.Context(), `with job as (
			insert into report_job (report_class, user_id, status, started_at, ended_at, parameters)
			values ('c', $1, $2, now(), `+ended+`, '{"resourceType":"Parameters"}') returning id)
			insert into report_binary (user_id, job_id) select $1, id from job returning id`, user, status).Scan(c.id); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, `insert into report_binary_version values ($1, 1, 'text/plain', 'request', now(), 5)`, *c.id)
		db.Exec(t, `insert into report_binary_piece values ($1, 1, 0, 'later')`, *c.id)
	}
	db.Exec(t, `insert into report_binary_version values ($1, 2, 'application/gzip-json', null, now(), 524289)`, finished)
	db.Exec(t, `insert into report_binary_piece select $1, 2, n, convert_to(repeat(n::text, case when n < 2 then 262144 else 1 end), 'UTF8') from generate_series(0, 2) n`, finished)
	return running, finished
}

func TestBinaries(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	running, finished := results(t, db, "u")
	b := postgres.NewBinaryStore(openPool(t, requester(t, db), 2), 5*time.Second, nil)
	for name, c := range map[string]struct {
		place report.BinaryKey
		want  report.Binary
	}{
		"placeholder": {report.BinaryKey{UserID: "u", ID: running}, report.Binary{ID: running, Version: 1, UserID: "u", ContentType: "text/plain", Source: "request", Size: 5}},
		"result":      {report.BinaryKey{UserID: "u", ID: finished}, report.Binary{ID: finished, Version: 2, UserID: "u", ContentType: "application/gzip-json", Size: 524289}},
		"before it":   {report.BinaryKey{UserID: "u", ID: finished, Version: 1}, report.Binary{ID: finished, Version: 1, UserID: "u", ContentType: "text/plain", Source: "request", Size: 5}},
	} {
		got, err := b.Binary(t.Context(), c.place)
		if got.LastUpdated.IsZero() {
			t.Errorf("%s has no time", name)
		}
		got.LastUpdated = time.Time{}
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	var data []byte
	var err error
	for n := range 3 {
		if data, err = b.Piece(t.Context(), report.BinaryKey{UserID: "u", ID: finished, Version: 2}, n, data); err != nil {
			t.Fatal(err)
		}
	}
	if want := append(append(bytes.Repeat([]byte("0"), report.PieceSize), bytes.Repeat([]byte("1"), report.PieceSize)...), '2'); !bytes.Equal(data, want) {
		t.Errorf("%d bytes", len(data))
	}
	for name, place := range map[string]report.BinaryKey{
		"no such":         {UserID: "u", ID: 999},
		"no such version": {UserID: "u", ID: finished, Version: 3},
		"not mine":        {UserID: "v", ID: finished},
		"no user":         {UserID: "", ID: finished},
	} {
		_, err := b.Binary(t.Context(), place)
		wantKind(t, err, report.NotFound)
		_, err = b.Piece(t.Context(), place, 0, nil)
		wantKind(t, err, report.NotFound)
		if err := b.Delete(t.Context(), place.UserID, place.ID); place.Version == 0 {
			wantKind(t, err, report.NotFound)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestDeleteBinary(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	running, finished := results(t, db, "u")
	other, _ := results(t, db, "v")
	b := postgres.NewBinaryStore(openPool(t, requester(t, db), 2), 5*time.Second, nil)
	for range 2 { // the second time changes nothing
		for _, id := range []int64{running, finished} {
			if err := b.Delete(t.Context(), "u", id); err != nil {
				t.Fatal(err)
			}
			_, err := b.Binary(t.Context(), report.BinaryKey{UserID: "u", ID: id, Version: 1})
			wantKind(t, err, report.Deleted)
		}
	}
	if _, err := b.Binary(t.Context(), report.BinaryKey{UserID: "v", ID: other}); err != nil {
		t.Errorf("Binary of another user: %v", err)
	}
	var states string
	if err := pgtest.Connect(t, db.Superuser).QueryRow(t.Context(), `
		select string_agg(j.status || ' ' || coalesce((select count(*) from report_binary_piece p where p.binary_id = b.id), 0), ', ' order by b.id)
		  from report_job j join report_binary b on b.job_id = j.id where j.user_id = 'u'`).Scan(&states); err != nil {
		t.Fatal(err)
	}
	if want := "CANCELLED 0, DONE 0"; states != want {
		t.Errorf("jobs and pieces are %s, want %s", states, want)
	}
}

// Row-level security protects results too, for a login with every role.
func TestWallBeforeResults(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	results(t, db, "u")
	results(t, db, "v")
	conn := pgtest.Connect(t, requester(t, db))
	var login string
	if err := conn.QueryRow(t.Context(), "select current_user").Scan(&login); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{login, postgres.RequesterRole, postgres.ReaderRole} {
		for _, table := range []string{"report_binary", "report_binary_version", "report_binary_piece", "report_job"} {
			for user, want := range map[string]int{"": 0, "u": map[string]int{"report_binary": 2, "report_binary_version": 3, "report_binary_piece": 5, "report_job": 2}[table]} {
				var n int
				if _, err := conn.Exec(t.Context(), "select set_config('role', $1, false), set_config('reporting.user_id', $2, false)", role, user); err != nil {
					t.Fatal(err)
				}
				if err := conn.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil || n != want {
					t.Errorf("as %s, %q sees %d rows of %s, want %d; %v", role, user, n, table, want, err)
				}
			}
		}
	}
	if _, err := conn.Exec(t.Context(), "select set_config('role', $1, false), set_config('reporting.user_id', 'u', false)", postgres.RequesterRole); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "insert into report_binary (user_id) values ('v')"); err == nil {
		t.Error("u made a result of v's")
	}
	if tag, err := conn.Exec(t.Context(), "update report_binary set deleted_at = now() where user_id = 'v'"); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("u deleted %d results of v's; %v", tag.RowsAffected(), err)
	}
	if _, err := conn.Exec(t.Context(), "select set_config('role', $1, false), set_config('reporting.user_id', '', false)", postgres.WorkerRole); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "select count(*) from report_binary").Scan(&n); err != nil || n != 4 {
		t.Errorf("a worker sees %d results, want 4; %v", n, err)
	}
}

func TestBinariesFailHonestly(t *testing.T) {
	t.Parallel()
	b := postgres.NewBinaryStore(openPool(t, "postgres://nobody@127.0.0.1:1/nowhere", 2), 5*time.Second, nil)
	_, err := b.Binary(t.Context(), report.BinaryKey{UserID: "u", ID: 1})
	wantKind(t, err, report.Unavailable)
	reader := postgres.NewBinaryStore(openPool(t, pgtest.New(t).Reader, 1), 5*time.Second, nil)
	if err := reader.Delete(t.Context(), "u", 1); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Error("a reader deleted something")
	}
}
