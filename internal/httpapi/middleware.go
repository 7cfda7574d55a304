// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/rs/cors"

	"reporting/internal/auth"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/telemetry/tracing"
)

// observe is the outermost layer: it gives the request its id, and logs and
// counts it when it is over, however it ends.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		ctx, request := s.tracer.Begin(r.Context(), r.Header)
		e := newExchange(r)
		e.trace = request
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", e.id)
		defer func() {
			status, duration := e.status(rec), s.now().Sub(start)
			e.endTrace(r, rec, status)
			var exemplar string
			if e.trace.Recorded() {
				exemplar = e.trace.ID()
			}
			s.metrics.ObserveRequest(e.operation, e.method, status, duration, exemplar)
			s.logAccess(r, e, rec, status, duration)
		}()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(ctx, exchangeKey{}, e)))
	})
}

// status is how the request ended: as it was answered, or as it failed after the
// answer had begun.
func (e *exchange) status(rec *recorder) int {
	switch {
	case e.failure != nil:
		return e.failure.Status
	case rec.status != 0:
		return rec.status
	}
	return http.StatusOK // net/http sends it when a handler writes nothing
}

// endTrace ends the request's span.
func (e *exchange) endTrace(r *http.Request, rec *recorder, status int) {
	if !e.trace.Recorded() {
		return
	}
	sent := rec.status
	if sent == 0 && e.failure == nil {
		sent = status
	}
	e.trace.End(tracing.Answer{
		Method: string(e.method), Route: e.route, Path: r.URL.Path, Sent: sent, Status: status, Bytes: rec.bytes,
	})
}

// logAccess writes one line for each request. A failure of ours raises its
// level and adds the cause. A refused token adds the reason, which holds nothing
// of the token.
func (s *server) logAccess(r *http.Request, e *exchange, rec *recorder, status int, duration time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request_id", e.id),
		slog.String("method", string(e.method)),
		slog.String("operation", e.operation),
		slog.Int("status", status),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("duration_ms", float64(duration.Microseconds())/1000),
	}
	if e.userID != "" {
		attrs = append(attrs, slog.String("user", s.pseudonyms.Of(e.userID)))
	}
	if e.trace != nil {
		attrs = append(attrs, slog.String("trace_id", e.trace.ID()), slog.String("span_id", e.trace.SpanID()))
	}
	if p := e.failure; p != nil {
		if refused, ok := errors.AsType[*auth.Error](p.Cause); ok {
			attrs = append(attrs, slog.String("reason", refused.Error()))
		} else if status >= http.StatusInternalServerError && p.Cause != nil {
			attrs = append(attrs, slog.String("error", p.Cause.Error()))
		} else if status == http.StatusTooManyRequests && p.Cause != nil {
			attrs = append(attrs, slog.String("reason", p.Cause.Error()))
		}
		if rec.status != 0 && rec.status != p.Status {
			attrs = append(attrs, slog.Bool("aborted", true))
		}
		level = p.level()
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// Header values that every answer carries, made once. Their capacity is their length,
// so that whoever adds to one gets a slice of his own.
var (
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
	deny       = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	// Stored narratives may hold markup, and browsers show XML.
	contentPolicy = []string{"default-src 'none'; frame-ancestors 'none'; sandbox"}
)

// secure sets the headers that every answer carries.
func (s *server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header() // its keys are in canonical form
		header["Cache-Control"] = noStore
		header["X-Content-Type-Options"] = noSniff
		header["X-Frame-Options"] = deny
		header["Referrer-Policy"] = noReferrer
		header["Content-Security-Policy"] = contentPolicy
		if s.draining() {
			// Asks the client to come back on a new connection, which will be
			// another instance's.
			header.Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// vary stands inside compression and CORS and overwrites what these two add one
// by one.
func (s *server) vary(next http.Handler) http.Handler {
	value := []string{"Accept, Accept-Encoding, Authorization"}
	if len(s.corsOrigins) > 0 {
		value[0] += ", Origin"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = value
		next.ServeHTTP(w, r)
	})
}

// cors lets browsers of the configured origins call.
func (s *server) cors(next http.Handler) http.Handler {
	if len(s.corsOrigins) == 0 {
		return next
	}
	const preflightAge = 600 // seconds
	return cors.New(cors.Options{
		AllowedOrigins: s.corsOrigins,
		// Also those that get a 405: a browser should be able to read it.
		AllowedMethods: []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		},
		AllowedHeaders: []string{
			"Accept", "Authorization", "Content-Encoding", "Content-Type", "If-Modified-Since", "If-None-Match", "If-Range", "Prefer", "Range",
			"Traceparent", "Tracestate", "X-Request-Id",
		},
		ExposedHeaders: []string{
			"X-Request-Id", "Location", "Content-Location", "Retry-After",
			"Etag", "Content-Disposition", "Content-Range", "X-Progress", "Preference-Applied", // of reports
		},
		MaxAge: preflightAge,
	}).Handler(next)
}

// minCompress is the smallest body worth compressing, in bytes.
const minCompress = 1024

// compress adds gzip. HEAD is left alone: it has nothing to compress.
func (s *server) compress(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.ContentTypes(negotiation.Types()),
		gzhttp.EnableZstd(false),
		gzhttp.CompressionLevel(1), // measured: half the time of the default for nearly its size
		gzhttp.MinSize(minCompress),
	)
	if err != nil {
		return nil, err
	}
	compressed := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		compressed(w, r)
	}), nil
}
