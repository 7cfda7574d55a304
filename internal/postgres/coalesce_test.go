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

// newest is the filter of most calls, whose queries run in batches.
func newest(user string) report.Filter { return report.Filter{UserID: user, Count: 100} }

// readAll lets many users read their jobs at the same time, and returns the error of each.
func readAll(t *testing.T, jobs *postgres.JobStore, users int, yield func(n int, job *report.Job) error) []error {
	t.Helper()
	errs := make([]error, users)
	var all sync.WaitGroup
	for n := range users {
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

// loadUsers inserts three jobs for each user.
func loadUsers(t *testing.T, db pgtest.Database, users int) {
	t.Helper()
	db.Exec(t, `insert into report_job (report_class, user_id, status, parameters)
		select 'c', 'user' || n % $1::int, 'QUEUED', '{"resourceType":"Parameters"}' from generate_series(1, 3 * $1::int) n`, users)
}

// An error or panic of one yield does not affect the other queries of the batch.
func TestBatchIsolatesYield(t *testing.T) {
	t.Parallel()
	const users = 60
	db := pgtest.New(t)
	loadUsers(t, db, users)
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), 5*time.Second)
	mine := errors.New("mine")
	var seen [users]int
	for n, err := range readAll(t, jobs, users, func(n int, job *report.Job) error {
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

// A batch that fails before its first row is read again, on another connection.
func TestBatchIsRetriedOnAnotherConnection(t *testing.T) {
	t.Parallel()
	const users = 20
	db := pgtest.New(t)
	loadUsers(t, db, users)
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 6), 5*time.Second)
	for n, spoil := range []func(){
		func() { terminate(t, db) },
		func() {
			db.Exec(t, "alter table report_job drop constraint report_job_report_class_length, alter column report_class type varchar(600)")
		},
		func() { db.Exec(t, "alter table report_job alter column report_class type text") },
		func() {},
	} {
		for user, err := range readAll(t, jobs, users, func(int, *report.Job) error { return nil }) {
			if err != nil {
				t.Errorf("round %d, user%d: %v", n, user, err)
			}
		}
		spoil()
	}
}

func TestBatchErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	const users = 20
	ignoreAll := func(int, *report.Job) error { return nil }
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		begin := time.Now()
		for _, err := range readAll(t, postgres.NewJobStore(openPool(t, "postgres://nobody@127.0.0.1:1/nowhere", 2), 5*time.Second), users, ignoreAll) {
			wantKind(t, err, report.Unavailable)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("noticed after %v, want below 2 s", took)
		}
	})
	t.Run("no privilege", func(t *testing.T) {
		t.Parallel()
		for _, err := range readAll(t, postgres.NewJobStore(openPool(t, pgtest.New(t).Producer, 2), 5*time.Second), users, ignoreAll) {
			wantKind(t, err, report.Internal)
		}
	})
	t.Run("a slow statement", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		loadUsers(t, db, users)
		blocker := pgtest.Connect(t, db.Superuser)
		if _, err := blocker.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
			t.Fatal(err)
		}
		const limit = 300 * time.Millisecond
		jobs := postgres.NewJobStore(openPool(t, db.Reader, 2), limit)
		begin := time.Now()
		for _, err := range readAll(t, jobs, users, ignoreAll) {
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
		for _, err := range readAll(t, jobs, users, ignoreAll) {
			if err != nil {
				t.Errorf("read after the lock was released: %v", err)
			}
		}
	})
}

// The query of a client that disconnects is cancelled.
func TestDisconnectCancelsQuery(t *testing.T) {
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

// Long lists that continue leave connections for short ones.
func TestLongListsLeaveConnections(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it reads long lists")
	}
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 4), 300*time.Millisecond)
	continued := report.Filter{UserID: "u", After: report.Cursor{Created: noon.Add(time.Hour)}, Count: 100}
	err := jobs.EachJob(t.Context(), continued, func(*report.Job) error {
		if err := jobs.EachJob(t.Context(), newest("u"), ignore); err != nil {
			t.Errorf("a short list: %v", err)
		}
		wantKind(t, jobs.EachJob(t.Context(), continued, ignore), report.Unavailable)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		wantKind(t, jobs.EachJob(ctx, continued, ignore), report.Disconnected)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := jobs.EachJob(t.Context(), continued, ignore); err != nil {
		t.Errorf("the next long list: %v", err)
	}
}
