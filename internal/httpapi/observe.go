// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"reporting/internal/auth"
	"reporting/internal/telemetry/tracing"
)

// observe ends the span of a request, counts it and logs it.
func (s *server) observe(r *Request) {
	status, duration := r.status(), s.now().Sub(r.start)
	var exemplar string
	if r.trace.Recorded() {
		r.endTrace(status)
		exemplar = r.trace.ID()
	}
	s.metrics.ObserveRequest(r.operation, r.methodLabel(), status, duration, exemplar)
	s.logAccess(r, status, duration)
}

// endTrace ends the request's span.
func (r *Request) endTrace(status int) {
	sent := r.recorder.status
	if sent == 0 && r.failure == nil {
		sent = status
	}
	r.trace.End(tracing.Response{
		Method: string(r.methodLabel()), Route: r.route, Path: r.URL.Path, Sent: sent, Status: status, Bytes: r.recorder.bytes,
	})
}

// logAccess writes one line for each request. A server error raises its level and adds the
// cause. A refused token adds the reason, which contains nothing of the token.
func (s *server) logAccess(r *Request, status int, duration time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request_id", r.ID),
		slog.String("method", string(r.methodLabel())),
		slog.String("operation", r.operation),
		slog.Int("status", status),
		slog.Int64("bytes", r.recorder.bytes),
		slog.Float64("duration_ms", float64(duration.Microseconds())/1000),
	}
	if r.Caller.UserID != "" {
		attrs = append(attrs, slog.String("user", s.pseudonyms.Of(r.Caller.UserID)))
	}
	if r.trace != nil {
		attrs = append(attrs, slog.String("trace_id", r.trace.ID()), slog.String("span_id", r.trace.SpanID()))
	}
	if p := r.failure; p != nil {
		if refused, ok := errors.AsType[*auth.Error](p.Cause); ok {
			attrs = append(attrs, slog.String("reason", refused.Error()))
		} else if status >= http.StatusInternalServerError && p.Cause != nil {
			attrs = append(attrs, slog.String("error", p.Cause.Error()))
		} else if status == http.StatusTooManyRequests && p.Cause != nil {
			attrs = append(attrs, slog.String("reason", p.Cause.Error()))
		}
		if r.recorder.status != 0 && r.recorder.status != p.Status {
			attrs = append(attrs, slog.Bool("aborted", true))
		}
		level = p.level()
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}
