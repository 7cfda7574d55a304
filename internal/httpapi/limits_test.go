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

// Long answers that are being sent take no place among the calls at work, and are so
// many at most.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	l := newLimits(Options{MaxConcurrent: 2, Metrics: telemetry.NewMetrics(telemetry.Build{})})
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	enter := func(n int) *slot {
		t.Helper()
		p, err := l.enter(httptest.NewRecorder(), r, strconv.Itoa(n))
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		return p
	}
	var places []*slot
	for n := range maxLongAnswers {
		p := enter(n)
		if err := p.beginStreaming(); err != nil {
			t.Fatalf("long answer %d: %v", n, err)
		}
		places = append(places, p)
	}
	one := enter(maxLongAnswers)
	var refused *Problem
	if err := one.beginStreaming(); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("one long answer more: %v", err)
	}
	one.release()
	places[0].release()
	if err := enter(maxLongAnswers + 1).beginStreaming(); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	for _, p := range places[1:] {
		p.release()
	}
	if calls, long := l.calls.Load(), len(l.longAnswers); calls != 0 || long != 1 {
		t.Errorf("%d calls at work, %d long answers", calls, long)
	}
}
