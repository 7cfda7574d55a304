// SPDX-License-Identifier: Apache-2.0

package load

import (
	"testing"
	"time"
)

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	addr := serve(t, odd)
	slow := StartSlow(t.Context(), addr, [][]byte{request("/chunked"), request("/plain"), request("/busy"), request("/wrong"), request("/nonsense")})
	await(t, "two read", func() bool { return slow.Counts().Reading == 2 })
	await(t, "one is refused and two fail", func() bool { c := slow.Counts(); return c.Refused > 0 && c.Failed > 1 })
	await(t, "they ask again", func() bool { return slow.Counts().Asked > 5 })
	slow.Stop()
	if c := slow.Counts(); c.Reading != 0 || c.Ended != 0 {
		t.Errorf("in the end: %+v", c)
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	addr := serve(t, odd)
	idle, err := OpenIdle(t.Context(), addr, [][]byte{request("/plain"), request("/chunked"), request("/close")})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if open := idle.Open(); open != 2 {
		t.Errorf("%d are open, want 2", open)
	}
	if idle, err := OpenIdle(t.Context(), addr, [][]byte{request("/wrong")}); err == nil {
		idle.Close()
		t.Error("a call that failed is no connection to keep")
	}
}
