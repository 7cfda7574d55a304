// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"reporting/internal/obs"
)

// Long answers that are being sent take no place among the calls at work, and are so
// many at most.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	l := newLimits(Options{MaxConcurrent: 2, Metrics: obs.NewMetrics(obs.Build{})})
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	enter := func(n int) *place {
		t.Helper()
		p, err := l.enter(httptest.NewRecorder(), r, strconv.Itoa(n))
		if err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		return p
	}
	var places []*place
	for n := range maxLongAnswers {
		p := enter(n)
		if err := p.goesOn(); err != nil {
			t.Fatalf("long answer %d: %v", n, err)
		}
		places = append(places, p)
	}
	one := enter(maxLongAnswers)
	var refused *Problem
	if err := one.goesOn(); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("one long answer more: %v", err)
	}
	one.leave()
	places[0].leave()
	if err := enter(maxLongAnswers + 1).goesOn(); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	for _, p := range places[1:] {
		p.leave()
	}
	if calls, long := l.calls.Load(), len(l.longAnswers); calls != 0 || long != 1 {
		t.Errorf("%d calls at work, %d long answers", calls, long)
	}
}
