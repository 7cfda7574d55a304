// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestUserLimiterQueuesCallsAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := newUserLimiter()
		var working, most, refused atomic.Int64
		var calls sync.WaitGroup
		begin := time.Now()
		const asked = 10 * userCalls
		for range asked {
			calls.Go(func() {
				done, ok := limiter.acquire(t.Context(), "u")
				if !ok {
					refused.Add(1)
					return
				}
				defer done()
				for now := working.Add(1); ; {
					if before := most.Load(); now <= before || most.CompareAndSwap(before, now) {
						break
					}
				}
				time.Sleep(300 * time.Millisecond)
				working.Add(-1)
			})
		}
		synctest.Wait()
		if n := refused.Load(); n != asked-userCalls-userWaiting {
			t.Errorf("%d were refused at once", n)
		}
		// Another user need not wait.
		if done, ok := limiter.acquire(t.Context(), "v"); !ok || time.Since(begin) != 0 {
			t.Error("another user had to wait")
		} else {
			done()
		}
		calls.Wait()
		// Four rounds begin within a second, at 0, 300, 600 and 900 ms; the calls of a fifth
		// wait in vain, and there is no room for more to wait.
		if most.Load() != userCalls || refused.Load() != asked-4*userCalls {
			t.Errorf("%d at a time, %d refused", most.Load(), refused.Load())
		}
		if len(limiter.users) != 0 {
			t.Errorf("%d users are kept although no call is left", len(limiter.users))
		}
	})
}

func TestUserLimiterStopsWaitingWhenTheClientDisconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := newUserLimiter()
		for range userCalls {
			if _, ok := limiter.acquire(t.Context(), "u"); !ok {
				t.Fatal("no slot")
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, ok := limiter.acquire(ctx, "u"); ok || time.Since(begin) > time.Millisecond {
			t.Errorf("waited %s for a client that had gone", time.Since(begin))
		}
		if user := limiter.users["u"]; user.calls != userCalls {
			t.Errorf("%d calls are left", user.calls)
		}
	})
}
