// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"io"
	"net/http"
	"time"

	"reporting/internal/telemetry"
)

const (
	// smallBody is what anybody may send without further ado, in bytes. Nearly every
	// call does: a Parameters resource without inputs has thirty.
	smallBody = 8 << 10
	// maxLargeBodies is how many larger ones may be in memory at a time: read as
	// values, one takes up to forty times its size.
	maxLargeBodies = 8
	// A large one may take minBodyTime from when it has room, since others wait for
	// that, and a second more for each bodyRate bytes of the limit, up to maxBodyTime,
	// which is less than what the listener gives any body.
	minBodyTime = 5 * time.Second
	bodyRate    = 256 << 10
	maxBodyTime = 15 * time.Second
)

// bodyRoom is what one call may hold in memory of its body. Beyond a little there is
// room for few calls at a time; free it when the body is done with.
type bodyLimiter struct {
	limits  *limits
	w       http.ResponseWriter
	max     int64 // bytes, inflated or not
	held    bool
	hurried bool
}

func (l *limits) room(w http.ResponseWriter, limit int64) *bodyLimiter {
	return &bodyLimiter{limits: l, w: w, max: limit}
}

func (b *bodyLimiter) take() error {
	if b.held {
		return nil
	}
	select {
	case b.limits.largeBodies <- struct{}{}:
		b.held = true
		return nil
	default:
		return b.limits.refused(telemetry.LimitLargeBodies, busy())
	}
}

func (b *bodyLimiter) free() {
	if b.held {
		<-b.limits.largeBodies
		b.held = false
	}
}

// arriveAll takes in all of a body, within the limits of size and time.
func (b *bodyLimiter) arriveAll(from io.Reader) ([]byte, error) {
	body, err := b.readAll(from, func() { b.hurry(min(minBodyTime+time.Duration(b.max/bodyRate)*time.Second, maxBodyTime)) })
	if err == nil && b.hurried {
		// Or net/http, which now watches whether the client goes, takes the deadline for
		// its going.
		b.setDeadline(time.Time{})
	}
	return body, err
}

// readAll reads to the end, but for what is more than a little takes room first, and
// tells of it.
func (b *bodyLimiter) readAll(from io.Reader, large func()) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, smallBody+1))
	if err != nil || len(body) <= smallBody {
		return body, err
	}
	if b.max > smallBody {
		if err := b.take(); err != nil {
			return nil, err
		}
		large()
	}
	rest, err := io.ReadAll(from)
	return append(body, rest...), err
}

// hurry gives the client this long for the rest of its body.
func (b *bodyLimiter) hurry(limit time.Duration) {
	b.hurried = true
	b.setDeadline(time.Now().Add(limit))
}

func (b *bodyLimiter) setDeadline(t time.Time) {
	// Not every writer has deadlines (tests), and then there is none to miss.
	_ = http.NewResponseController(b.w).SetReadDeadline(t)
}
