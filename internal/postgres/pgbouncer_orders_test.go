// SPDX-License-Identifier: Apache-2.0

//go:build pgbouncer

package postgres_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/worker/queue"
)

// Orders, Binaries and reads work through a pooler in transaction mode, and no request gets
// the role or the user of another.
func TestPgBouncerOrders(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := uniqueRole()
	db.Exec(t, "create role "+role+" login in role reporting_reader, reporting_requester")
	url := pgbouncer(t, db.Reader, role, "pool_mode = transaction") + "&default_query_exec_mode=exec"
	pool := openPool(t, url, 8)
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	orders := postgres.NewOrderStore(pool, entries, 10*time.Second, nil)
	binaries := postgres.NewBinaryStore(pool, 10*time.Second, nil)
	jobs := postgres.NewJobStore(pool, 10*time.Second)
	var wg sync.WaitGroup
	for n := range 8 {
		user := "user-" + strings.Repeat("x", n)
		wg.Go(func() {
			for range 10 {
				submitted, err := orders.Submit(t.Context(), report.Order{ReportClass: "c", UserID: user, Parameters: []byte(`{"resourceType":"Parameters"}`)})
				if err != nil {
					t.Error(err)
					return
				}
				data, err := binaries.Piece(t.Context(), report.BinaryKey{UserID: user, ID: submitted.Binary.ID, Version: 1}, 0, nil)
				if err != nil || string(data) != report.Placeholder {
					t.Errorf("%s reads %q, %v", user, data, err)
				}
				_, err = binaries.Binary(t.Context(), report.BinaryKey{UserID: user + "y", ID: submitted.Binary.ID})
				wantKind(t, err, report.NotFound)
			}
			seen := 0
			if err := jobs.EachJob(t.Context(), report.Filter{UserID: user}, func(job *report.Job) error {
				if seen++; job.UserID != user {
					t.Errorf("%s sees a job of %s", user, job.UserID)
				}
				return nil
			}); err != nil || seen != 10 {
				t.Errorf("%s sees %d jobs, %v", user, seen, err)
			}
		})
	}
	wg.Wait()
}
