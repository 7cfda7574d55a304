// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"reporting/internal/report"
)

func TestConcurrentOrdersRespectTheLimit(t *testing.T) {
	t.Parallel()
	const room, askers = 3, 16
	m := newLifecycle(t)
	m.unfinished(t, "u", report.MaxUnfinishedJobs-room)
	var placed, refused atomic.Int64
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			_, err := m.orders.Submit(t.Context(), report.Order{ReportClass: "c", UserID: "u", Parameters: []byte(`{"resourceType":"Parameters"}`)})
			switch {
			case err == nil:
				placed.Add(1)
			case report.KindOf(err) == report.LimitExceeded:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if placed.Load() != room || refused.Load() != askers-room {
		t.Errorf("%d placed and %d refused, want %d and %d", placed.Load(), refused.Load(), room, askers-room)
	}
}
