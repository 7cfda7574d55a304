// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/httprate"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/obs"
)

const (
	// rateWindow is what the rate of a user is averaged over, so that a page that
	// asks ten things at once is no flood.
	rateWindow = 5 * time.Second
	// smallBody is what anybody may send without further ado, in bytes. Nearly every
	// call does: a Parameters resource without inputs has thirty.
	smallBody = 8 << 10
	// maxLargeBodies is how many larger ones may be in memory at a time: read as
	// values, one takes up to forty times its size.
	maxLargeBodies = 8
)

// limits keep callers from taking from one another what there is only so much of.
type limits struct {
	metrics       *obs.Metrics
	maxConcurrent int64 // calls at work at a time; 0: no limit
	calls         atomic.Int64
	userRate      int // calls of one user in a second; 0: no limit
	users         *httprate.RateLimiter
	largeBodies   chan struct{}
}

func newLimits(o Options) *limits {
	l := &limits{
		metrics: o.Metrics, maxConcurrent: int64(o.MaxConcurrent), userRate: o.UserRate,
		largeBodies: make(chan struct{}, maxLargeBodies),
	}
	if o.UserRate > 0 {
		// Without headers of its own: they would tell how much is left of something
		// that another instance counts anew.
		l.users = httprate.NewRateLimiter(o.UserRate*int(rateWindow/time.Second), rateWindow,
			httprate.WithResponseHeaders(httprate.ResponseHeaders{}))
	}
	return l
}

// enter lets a call in, or refuses it at once: whoever waits in line here would do
// so with all that was already allocated for them. leave must follow either way.
func (l *limits) enter() error {
	if n := l.calls.Add(1); l.maxConcurrent > 0 && n > l.maxConcurrent {
		l.metrics.ObserveLimited(obs.LimitConcurrency)
		return busy()
	}
	return nil
}

func (l *limits) leave() { l.calls.Add(-1) }

// count refuses a user who asks too often. Only users that a token names are
// counted, so that strangers can neither fill the table of users nor use up what is
// somebody else's.
func (l *limits) count(w http.ResponseWriter, r *http.Request, userID string) error {
	if l.users == nil || !l.users.OnLimit(w, r, userID) {
		return nil
	}
	l.metrics.ObserveLimited(obs.LimitUserRate)
	return problem(http.StatusTooManyRequests, models.IssueTypeThrottled,
		fmt.Sprintf("This user asks more than %d times a second. Ask less often, and again in %d seconds.", l.userRate, rateWindow/time.Second)).
		retryAfter(rateWindow)
}

func busy() *Problem {
	return problem(http.StatusServiceUnavailable, models.IssueTypeTransient,
		"The service has too much to do at the moment. Try again shortly.").retryAfter(retrySoon)
}

// bodyRoom is what one call may hold in memory of its body. Beyond a little there is
// room for few calls at a time; free it when the body is done with.
type bodyRoom struct {
	limits *limits
	max    int64 // bytes, inflated or not
	held   bool
}

func (l *limits) room(limit int64) *bodyRoom { return &bodyRoom{limits: l, max: limit} }

func (b *bodyRoom) take() error {
	if b.held {
		return nil
	}
	select {
	case b.limits.largeBodies <- struct{}{}:
		b.held = true
		return nil
	default:
		b.limits.metrics.ObserveLimited(obs.LimitLargeBodies)
		return busy()
	}
}

func (b *bodyRoom) free() {
	if b.held {
		<-b.limits.largeBodies
		b.held = false
	}
}

// readAll reads to the end, but for what is more than a little takes room first.
func (b *bodyRoom) readAll(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, smallBody))
	if err != nil || len(body) < smallBody {
		return body, err
	}
	if b.max > smallBody {
		if err := b.take(); err != nil {
			return nil, err
		}
	}
	rest, err := io.ReadAll(from)
	return append(body, rest...), err
}
