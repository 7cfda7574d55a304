// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// An open loop makes as many calls as are due, however quick the answers are.
func TestSchedule(t *testing.T) {
	t.Parallel()
	addr := serve(t, odd)
	got, err := Run(t.Context(), Plan{
		Addr: addr, Requests: [][]byte{request("/plain")}, Connections: 16, Time: time.Second, Rate: 300,
	})
	if err != nil || got.Failures != 0 {
		t.Fatal(err, got.Failure)
	}
	// The distances are random, but always the same.
	if calls := len(got.OK) + got.Unsent; calls < 220 || calls > 380 {
		t.Errorf("%d calls, want about 300", calls)
	}
}

// A call that waited for a connection has waited since it was due, and one that got
// none is counted.
func TestScheduleOfSlowServer(t *testing.T) {
	t.Parallel()
	const slow = 100 * time.Millisecond
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(slow)
		_, _ = fmt.Fprint(w, "hello")
	})
	got, err := Run(t.Context(), Plan{
		Addr: addr, Requests: [][]byte{request("/")}, Connections: 1, Time: time.Second, Rate: 50,
	})
	if err != nil || got.Failures != 0 {
		t.Fatal(err, got.Failure)
	}
	if len(got.OK) > 13 || got.Unsent < 20 {
		t.Errorf("%d calls answered at a tenth of a second each, %d unsent", len(got.OK), got.Unsent)
	}
	if p99 := Quantile(got.OK, 0.99); p99 < 3*slow {
		t.Errorf("the slowest call took %v since it was due", p99)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	addr := serve(t, odd)
	for _, rate := range []float64{0, 100} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		begin := time.Now()
		_, err := Run(ctx, Plan{Addr: addr, Requests: [][]byte{request("/plain")}, Connections: 2, Time: time.Minute, Rate: rate})
		cancel()
		if err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("rate %v: ended after %v with %v", rate, time.Since(begin), err)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for n := range 100 {
		hundred = append(hundred, time.Duration(n+1))
	}
	for _, tt := range []struct {
		times []time.Duration
		q     float64
		want  time.Duration
	}{
		{nil, 0.5, 0},
		{hundred[:1], 0.99, 1},
		{hundred[:3], 0.5, 2},
		{hundred, 0, 1},
		{hundred, 0.5, 51},
		{hundred, 0.99, 100},
		{hundred, 1, 100},
	} {
		if got := Quantile(tt.times, tt.q); got != tt.want {
			t.Errorf("quantile %v of %d times is %d, want %d", tt.q, len(tt.times), got, tt.want)
		}
	}
}
