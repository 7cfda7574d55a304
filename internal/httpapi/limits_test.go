// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"reporting/internal/telemetry"
)

func TestStreamsLeaveTheCallSlotsAndAreLimited(t *testing.T) {
	t.Parallel()
	l := newLimits(Options{MaxConcurrent: 2, Metrics: telemetry.NewMetrics(telemetry.Build{})})
	acquire := func(n int) *slot {
		t.Helper()
		r := newRequest(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		r.Caller.UserID = strconv.Itoa(n)
		p, err := l.acquire(r)
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		return p
	}
	var slots []*slot
	for n := range maxStreams {
		p := acquire(n)
		if err := p.beginStreaming(); err != nil {
			t.Fatalf("stream %d: %v", n, err)
		}
		slots = append(slots, p)
	}
	one := acquire(maxStreams)
	var refused *Problem
	if err := one.beginStreaming(); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("one stream more: %v", err)
	}
	one.release()
	slots[0].release()
	if err := acquire(maxStreams + 1).beginStreaming(); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	for _, p := range slots[1:] {
		p.release()
	}
	if calls, long := l.calls.Load(), len(l.streams); calls != 0 || long != 1 {
		t.Errorf("%d calls at work, %d streams", calls, long)
	}
}
