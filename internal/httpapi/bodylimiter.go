// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"io"
	"net/http"
	"time"

	"reporting/internal/telemetry"
)

const (
	// smallBody is the largest body that needs no slot, in bytes. Nearly every call fits: a
	// Parameters resource without inputs has thirty bytes.
	smallBody = 8 << 10
	// maxLargeBodies is how many larger bodies may be in memory at a time. A parsed body
	// takes up to forty times its size.
	maxLargeBodies = 8
	// A large body may take minBodyTime from when it has a slot, and a second more for each
	// bodyRate bytes of the limit, up to maxBodyTime, which is less than the listener's
	// read timeout.
	minBodyTime = 5 * time.Second
	bodyRate    = 256 << 10
	maxBodyTime = 15 * time.Second
)

// bodyLimiter limits the memory that the body of one request takes. A large body needs one
// of few slots; release it when the body is parsed.
type bodyLimiter struct {
	limits *limits
	w      http.ResponseWriter
	max    int64 // bytes, inflated or not
	held   bool
	timed  bool
}

func (l *limits) body(w http.ResponseWriter, limit int64) *bodyLimiter {
	return &bodyLimiter{limits: l, w: w, max: limit}
}

func (b *bodyLimiter) acquire() error {
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

func (b *bodyLimiter) release() {
	if b.held {
		<-b.limits.largeBodies
		b.held = false
	}
}

// read reads a body within the limits of size and time.
func (b *bodyLimiter) read(from io.Reader) ([]byte, error) {
	body, err := b.readAll(from, func() { b.setTimeout(min(minBodyTime+time.Duration(b.max/bodyRate)*time.Second, maxBodyTime)) })
	if err == nil && b.timed {
		// Otherwise net/http, which now watches for the client to disconnect, takes the
		// expired deadline for that.
		b.setDeadline(time.Time{})
	}
	return body, err
}

// readAll reads to the end. For a large body it acquires a slot first, and calls large.
func (b *bodyLimiter) readAll(from io.Reader, large func()) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, smallBody+1))
	if err != nil || len(body) <= smallBody {
		return body, err
	}
	if b.max > smallBody {
		if err := b.acquire(); err != nil {
			return nil, err
		}
		large()
	}
	rest, err := io.ReadAll(from)
	return append(body, rest...), err
}

// setTimeout limits the time for the rest of the body.
func (b *bodyLimiter) setTimeout(limit time.Duration) {
	b.timed = true
	b.setDeadline(time.Now().Add(limit))
}

func (b *bodyLimiter) setDeadline(t time.Time) {
	// Not every writer has deadlines (tests), and then there is none to miss.
	_ = http.NewResponseController(b.w).SetReadDeadline(t)
}
