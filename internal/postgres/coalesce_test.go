// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// newest asks for what most calls want, which goes to the server with others.
func newest(user string) report.Filter { return report.Filter{UserID: user, Count: 100} }

// rush has so many ask for their jobs at once, and returns what each of them got.
func rush(t *testing.T, jobs *postgres.JobStore, askers int, yield func(n int, job *report.Job) error) []error {
	t.Helper()
	errs := make([]error, askers)
	var all sync.WaitGroup
	for n := range askers {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[n] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[n] = jobs.EachJob(t.Context(), newest(fmt.Sprint("user", n)), func(job *report.Job) error { return yield(n, job) })
		})
	}
	all.Wait()
	return errs
}

// load gives each of so many users a few jobs.
func loadUsers(t *testing.T, db pgtest.Database, users int) {
	t.Helper()
	db.Exec(t, `insert into report_job (report_class, user_id, status, parameters)
		select 'c', 'user' || n % $1::int, 'QUEUED', '{"resourceType":"Parameters"}' from generate_series(1, 3 * $1::int) n`, users)
}

// What one of them does in a batch is not the others' affair.
func TestTogetherAndYetApart(t *testing.T) {
	t.Parallel()
	const askers = 60
	db := pgtest.New(t)
	loadUsers(t, db, askers)
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), 5*time.Second)
	mine := errors.New("mine")
	var seen [askers]int
	for n, err := range rush(t, jobs, askers, func(n int, job *report.Job) error {
		if job.UserID != fmt.Sprint("user", n) {
			t.Errorf("user%d got a job of %s", n, job.UserID)
		}
		seen[n]++
		switch n % 5 {
		case 0:
			return mine
		case 1:
			panic(n)
		}
		return nil
	}) {
		switch want := 3; {
		case n%5 == 0 && (!errors.Is(err, mine) || seen[n] != 1),
			n%5 == 1 && (err == nil || err.Error() != fmt.Sprint("panic: ", n) || seen[n] != 1),
			n%5 > 1 && (err != nil || seen[n] != want):
			t.Errorf("user%d: %d jobs, %v", n, seen[n], err)
		}
	}
}

// A batch that fails before its first row costs nobody an error.
func TestConnectionsOfBatchesAreReplaced(t *testing.T) {
	t.Parallel()
	const askers = 20
	db := pgtest.New(t)
	loadUsers(t, db, askers)
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 6), 5*time.Second)
	for n, spoil := range []func(){
		func() { terminate(t, db) },
		func() {
			db.Exec(t, "alter table report_job drop constraint report_job_report_class_length, alter column report_class type varchar(600)")
		},
		func() { db.Exec(t, "alter table report_job alter column report_class type text") },
		func() {},
	} {
		for user, err := range rush(t, jobs, askers, func(int, *report.Job) error { return nil }) {
			if err != nil {
				t.Errorf("round %d, user%d: %v", n, user, err)
			}
		}
		spoil()
	}
}

func TestBatchesFailHonestly(t *testing.T) {
	t.Parallel()
	const askers = 20
	ignoreAll := func(int, *report.Job) error { return nil }
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		begin := time.Now()
		for _, err := range rush(t, postgres.NewJobStore(openPool(t, "postgres://nobody@127.0.0.1:1/nowhere", 2), 5*time.Second), askers, ignoreAll) {
			wantKind(t, err, report.Unavailable)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("noticed after %v, want below 2 s", took)
		}
	})
	t.Run("no privilege", func(t *testing.T) {
		t.Parallel()
		for _, err := range rush(t, postgres.NewJobStore(openPool(t, pgtest.New(t).Producer, 2), 5*time.Second), askers, ignoreAll) {
			wantKind(t, err, report.Internal)
		}
	})
	t.Run("a slow statement", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		loadUsers(t, db, askers)
		blocker := pgtest.Connect(t, db.Superuser)
		if _, err := blocker.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
			t.Fatal(err)
		}
		const limit = 300 * time.Millisecond
		jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), limit)
		begin := time.Now()
		for _, err := range rush(t, jobs, askers, ignoreAll) {
			if known, ok := errors.AsType[*report.Error](err); !ok || (known.Kind != report.Timeout && known.Kind != report.Unavailable) {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(begin); took < limit || took > 4*time.Second {
			t.Errorf("gave up after %v, limit %v", took, limit)
		}
		if _, err := blocker.Exec(t.Context(), "rollback"); err != nil {
			t.Fatal(err)
		}
		for _, err := range rush(t, jobs, askers, ignoreAll) {
			if err != nil {
				t.Errorf("not well again: %v", err)
			}
		}
	})
}

// A question whose client goes is cancelled, and its connection serves others.
func TestAloneAndGone(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	blocker := pgtest.Connect(t, db.Superuser)
	if _, err := blocker.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 1), 5*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	wantKind(t, jobs.EachJob(ctx, newest("u"), ignore), report.Disconnected)
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("noticed after %v", took)
	}
}

// However many long lists are read, they leave connections to those that are short.
func TestLongListsLeaveRoom(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 4), 300*time.Millisecond)
	further := report.Filter{UserID: "u", After: report.Cursor{Created: noon.Add(time.Hour)}, Count: 100}
	err := jobs.EachJob(t.Context(), further, func(*report.Job) error {
		if err := jobs.EachJob(t.Context(), newest("u"), ignore); err != nil {
			t.Errorf("a short one: %v", err)
		}
		wantKind(t, jobs.EachJob(t.Context(), further, ignore), report.Unavailable)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		wantKind(t, jobs.EachJob(ctx, further, ignore), report.Disconnected)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := jobs.EachJob(t.Context(), further, ignore); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
