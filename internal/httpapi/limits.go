// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/httprate"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// rateWindow is what the rate of a user is averaged over, so that a page that asks
// ten things at once is no flood.
const rateWindow = 5 * time.Second

// maxLongAnswers is how many answers of more than one piece are sent at a time. Each
// holds up to keepSize of memory for as long as its reader takes. Answers of one piece
// are not counted.
const maxLongAnswers = 128

// limits keep callers from taking from one another what there is only so much of.
// Only callers whose token is good are counted, so that strangers can neither fill a
// table nor use up what is somebody else's.
type limits struct {
	metrics       *telemetry.Metrics
	maxConcurrent int64 // calls whose answers are being made at a time; 0: any number
	calls         atomic.Int64
	userRate      int // calls of one user in a second; 0: any number
	users         *httprate.RateLimiter
	turns         *userLimiter
	largeBodies   chan struct{} // holds one for each large body in memory
	longAnswers   chan struct{} // holds one for each long answer that is being sent
}

func newLimits(o Options) *limits {
	l := &limits{
		metrics: o.Metrics, maxConcurrent: int64(o.MaxConcurrent), userRate: o.UserRate, turns: newUserLimiter(),
		largeBodies: make(chan struct{}, maxLargeBodies), longAnswers: make(chan struct{}, maxLongAnswers),
	}
	if o.UserRate > 0 {
		// Without headers of its own: they would tell how much is left of something
		// that another instance counts anew.
		l.users = httprate.NewRateLimiter(o.UserRate*int(rateWindow/time.Second), rateWindow,
			httprate.WithResponseHeaders(httprate.ResponseHeaders{}))
	}
	l.metrics.RegisterLoad(
		func() float64 { return float64(l.calls.Load()) },
		func() float64 { return float64(len(l.largeBodies)) },
		func() float64 { return float64(len(l.longAnswers)) })
	return l
}

// place is a call's place among those that are let in.
type slot struct {
	limits *limits
	done   func() // ends the user's turn
	making bool   // its answer is being made
	long   bool   // its answer is long, and being sent
}

// enter lets a user's call in, or refuses it. After it did, leave must be called.
func (l *limits) enter(w http.ResponseWriter, r *http.Request, userID string) (*slot, error) {
	if l.full(l.calls.Load() + 1) {
		return nil, l.refused(telemetry.LimitConcurrency, busy()) // before anything is spent on it
	}
	if l.users != nil && l.users.OnLimit(w, r, userID) {
		return nil, l.refused(telemetry.LimitUserRate, throttled(fmt.Sprintf(
			"This user asks more than %d times a second. Ask less often, and again in %d seconds.", l.userRate, rateWindow/time.Second)).
			retryAfter(rateWindow))
	}
	done, ok := l.turns.take(r.Context(), userID)
	switch {
	case !ok && r.Context().Err() != nil:
		return nil, &report.Error{Kind: report.Disconnected, Cause: r.Context().Err()}
	case !ok:
		return nil, l.refused(telemetry.LimitUserCalls, throttled(fmt.Sprintf(
			"%d calls of this user are being answered already. Read their answers first.", userCalls)).retryAfter(retrySoon))
	}
	// After the turn, so that a user who waits takes nobody's place. Whoever is one too
	// many is told so at once: a line here would only grow.
	if l.full(l.calls.Add(1)) {
		l.calls.Add(-1)
		done()
		return nil, l.refused(telemetry.LimitConcurrency, busy())
	}
	return &slot{limits: l, done: done, making: true}, nil
}

// full tells whether so many calls are too many.
func (l *limits) full(calls int64) bool { return l.maxConcurrent > 0 && calls > l.maxConcurrent }

// made tells that the answer was made, and what is left is the client's to read, who
// may take his time: nobody else waits for that. It is nothing to a nil place.
func (p *slot) encoded() {
	if p != nil && p.making {
		p.making = false
		p.limits.calls.Add(-1)
	}
}

// goesOn tells that a first part of the answer was made and is to be sent, or that
// too many long answers are being sent already.
func (p *slot) beginStreaming() error {
	if p == nil {
		return nil
	}
	select {
	case p.limits.longAnswers <- struct{}{}:
		p.long = true
		p.encoded()
		return nil
	default:
		return p.limits.refused(telemetry.LimitLongAnswers, busy())
	}
}

// leave ends the call.
func (p *slot) release() {
	p.encoded()
	if p.long {
		<-p.limits.longAnswers
	}
	p.done()
}

// refused counts a refusal and makes the log say which limit it was.
func (l *limits) refused(limit telemetry.Limit, p *Problem) *Problem {
	l.metrics.ObserveLimited(limit)
	return p.because(errors.New("limit " + string(limit)))
}

func throttled(diagnostics string) *Problem {
	return problem(http.StatusTooManyRequests, models.IssueTypeThrottled, diagnostics)
}

func busy() *Problem {
	p := problem(http.StatusServiceUnavailable, models.IssueTypeTransient,
		"The service has too much to do at the moment. Try again shortly.").retryAfter(retrySoon)
	p.busy = true
	return p
}
