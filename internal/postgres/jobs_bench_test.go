// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/report"
)

// BenchmarkJobs measures one read of a user's twenty jobs, row-level security included: one
// read at a time, and 64 at a time, which run in batches.
//
//	go test ./internal/postgres -run '^$' -bench Jobs -count 10 | benchstat -
func BenchmarkJobs(b *testing.B) {
	for _, readers := range []int{1, 64} {
		b.Run("readers="+strconv.Itoa(readers), func(b *testing.B) {
			db := benchDatabase(b, "rls")
			pool, err := postgres.Open(b.Context(), db.Reader, 8)
			if err != nil {
				b.Fatal(err)
			}
			jobs := postgres.NewJobStore(pool, 5*time.Second)
			read := func(n int) {
				count := 0
				filter := report.Filter{UserID: "user-" + strconv.Itoa(n%benchUsers), Count: 100}
				err := jobs.EachJob(b.Context(), filter, func(*report.Job) error { count++; return nil })
				if err != nil || count != benchJobs {
					b.Errorf("%d jobs, %v", count, err)
				}
			}
			read(0)
			b.ReportAllocs()
			b.ResetTimer()
			if readers == 1 {
				for n := 0; b.Loop(); n++ {
					read(n)
				}
				return
			}
			var next atomic.Int64
			b.SetParallelism(readers) // for each processor
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					read(int(next.Add(7)))
				}
			})
		})
	}
}
