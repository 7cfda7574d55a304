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

// rateWindow is the time over which a user's rate is averaged, so that a web page may send
// ten requests at once.
const rateWindow = 5 * time.Second

// maxStreams is how many responses of more than one piece are sent at a time. Each holds up
// to maxPooled bytes for as long as its client takes to read.
const maxStreams = 128

// limits enforces the concurrency and rate limits. Only callers with a valid token count, so
// that anonymous clients can neither fill a table nor use the slots of users.
type limits struct {
	metrics       *telemetry.Metrics
	maxConcurrent int64        // calls at a time; 0: no limit
	calls         atomic.Int64 // slots of calls in use
	userRate      int          // calls of one user per second; 0: no limit
	rates         *httprate.RateLimiter
	users         *userLimiter
	largeBodies   chan struct{} // holds one item for each large body in memory
	streams       chan struct{} // holds one item for each response that is streaming
}

func newLimits(o Options) *limits {
	l := &limits{
		metrics: o.Metrics, maxConcurrent: int64(o.MaxConcurrent), userRate: o.UserRate, users: newUserLimiter(),
		largeBodies: make(chan struct{}, maxLargeBodies), streams: make(chan struct{}, maxStreams),
	}
	if o.UserRate > 0 {
		// Without rate limit headers: another instance counts anew, so they would be wrong.
		l.rates = httprate.NewRateLimiter(o.UserRate*int(rateWindow/time.Second), rateWindow,
			httprate.WithResponseHeaders(httprate.ResponseHeaders{}))
	}
	l.metrics.RegisterLoad(
		func() float64 { return float64(l.calls.Load()) },
		func() float64 { return float64(len(l.largeBodies)) },
		func() float64 { return float64(len(l.streams)) })
	return l
}

// slot counts a request against the limits. A nil slot counts against none.
type slot struct {
	limits      *limits
	releaseUser func() // of the user's slot
	calling     bool   // counts among the calls
	streaming   bool   // counts among the streams
}

// acquire acquires a slot for the request of a caller, or returns a *Problem. Call release
// afterwards.
func (l *limits) acquire(r *Request) (*slot, error) {
	if l.full(l.calls.Load() + 1) {
		return nil, l.refused(telemetry.LimitConcurrency, busy()) // before any work is done
	}
	userID := r.Caller.UserID
	if l.rates != nil && l.rates.OnLimit(&r.recorder, r.Request, userID) {
		return nil, l.refused(telemetry.LimitUserRate, throttled(fmt.Sprintf(
			"This user asks more than %d times a second. Ask less often, and again in %d seconds.", l.userRate, rateWindow/time.Second)).
			retryAfter(rateWindow))
	}
	release, ok := l.users.acquire(r.Context(), userID)
	switch {
	case !ok && r.Context().Err() != nil:
		return nil, &report.Error{Kind: report.Disconnected, Cause: r.Context().Err()}
	case !ok:
		return nil, l.refused(telemetry.LimitUserCalls, throttled(fmt.Sprintf(
			"%d calls of this user are being answered already. Read their answers first.", userCalls)).retryAfter(retrySoon))
	}
	// Waiting callers hold no global slot. Callers beyond the limit are refused at once: a
	// queue here would only grow.
	if l.full(l.calls.Add(1)) {
		l.calls.Add(-1)
		release()
		return nil, l.refused(telemetry.LimitConcurrency, busy())
	}
	return &slot{limits: l, releaseUser: release, calling: true}, nil
}

// full returns true if so many calls exceed the limit.
func (l *limits) full(calls int64) bool { return l.maxConcurrent > 0 && calls > l.maxConcurrent }

// endCall frees the slot of the call: the response is encoded, and a slow client holds up
// no other call.
func (p *slot) endCall() {
	if p != nil && p.calling {
		p.calling = false
		p.limits.calls.Add(-1)
	}
}

// beginStreaming moves a request from the calls to the streams. It returns a *Problem if too
// many responses are streaming.
func (p *slot) beginStreaming() error {
	if p == nil {
		return nil
	}
	select {
	case p.limits.streams <- struct{}{}:
		p.streaming = true
		p.endCall()
		return nil
	default:
		return p.limits.refused(telemetry.LimitStreams, busy())
	}
}

// release frees whatever the request holds.
func (p *slot) release() {
	p.endCall()
	if p.streaming {
		<-p.limits.streams
	}
	p.releaseUser()
}

// refused counts a refusal and names the limit in the log.
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
