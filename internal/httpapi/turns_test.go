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

func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newUserLimiter()
		var working, most, refused atomic.Int64
		var calls sync.WaitGroup
		begin := time.Now()
		const asked = 10 * userCalls
		for range asked {
			calls.Go(func() {
				done, ok := turns.take(t.Context(), "u")
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
		// Nobody waits for another user.
		if done, ok := turns.take(t.Context(), "v"); !ok || time.Since(begin) != 0 {
			t.Error("another user had to wait")
		} else {
			done()
		}
		calls.Wait()
		// Four turns begin within a second, at 0, 300, 600 and 900 ms; the calls of a fifth
		// wait in vain, and there is no room for more to wait.
		if most.Load() != userCalls || refused.Load() != asked-4*userCalls {
			t.Errorf("%d at a time, %d refused", most.Load(), refused.Load())
		}
		if len(turns.users) != 0 {
			t.Errorf("%d users are kept although no call is left", len(turns.users))
		}
	})
}

func TestTurnOfWhoeverLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newUserLimiter()
		for range userCalls {
			if _, ok := turns.take(t.Context(), "u"); !ok {
				t.Fatal("no turn")
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, ok := turns.take(ctx, "u"); ok || time.Since(begin) > time.Millisecond {
			t.Errorf("waited %s for a client that had gone", time.Since(begin))
		}
		if user := turns.users["u"]; user.calls != userCalls {
			t.Errorf("%d calls are left", user.calls)
		}
	})
}
