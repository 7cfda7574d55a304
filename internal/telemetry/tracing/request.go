// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Request is the trace that a request belongs to. A nil Request belongs to none.
type Request struct {
	ids    oteltrace.SpanContext // our span; without one, the caller's
	tracer *Tracer               // nil: there is no span of ours
	span   oteltrace.Span
	ctx    context.Context //nolint:containedctx // the one of the span, which children begin in
}

// Begin begins the span of a request, in the trace that its headers name, if they name
// one. The context it returns carries the span.
func (t *Tracer) Begin(ctx context.Context, header http.Header) (context.Context, *Request) {
	parent := parentOf(header)
	if t != nil {
		begun := ctx
		if parent.IsValid() {
			begun = oteltrace.ContextWithRemoteSpanContext(ctx, withState(parent, header))
		}
		// Its name is known later.
		begun, span := t.tracer.Start(begun, "HTTP", oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(t.server...))
		if span.IsRecording() {
			return begun, &Request{ids: span.SpanContext(), tracer: t, span: span, ctx: begun}
		}
	}
	if !parent.IsValid() {
		return ctx, nil
	}
	return ctx, &Request{ids: parent}
}

// ID is the trace id, as 32 hexadecimal digits; empty without a trace.
func (r *Request) ID() string {
	if r == nil {
		return ""
	}
	return r.ids.TraceID().String()
}

// SpanID is the id of this request's span, as 16 hexadecimal digits. Where none is made
// it is the caller's; without a trace it is empty.
func (r *Request) SpanID() string {
	if r == nil {
		return ""
	}
	return r.ids.SpanID().String()
}

// Recorded tells whether this request's span is made and sent.
func (r *Request) Recorded() bool { return r != nil && r.tracer != nil }

// Answer is how a request ended.
type Answer struct {
	Method string // from a closed set
	Route  string // what the address was recognised as, or empty
	Path   string // the address without its query
	Sent   int    // the status that was sent; 0: none was
	Status int    // the status that the request ended with, which may have come after the one sent
	Bytes  int64  // of the body
}

// name is as in "POST /fhir/$x"; without a route it is the method alone (OpenTelemetry,
// semantic conventions of HTTP spans).
func (a Answer) name() string {
	method := a.Method
	if method == otherMethod {
		method = "HTTP"
	}
	if a.Route == "" {
		return method
	}
	return method + " " + a.Route
}

// otherMethod is what Answer.Method is for a method that nobody knows.
const otherMethod = "other"

// End ends the span of a request. It is an error if the fault was ours, or if the answer
// did not get to its end.
func (r *Request) End(a Answer) {
	if !r.Recorded() {
		return
	}
	r.span.SetName(a.name())
	method := semconv.HTTPRequestMethodKey.String(a.Method)
	if a.Method == otherMethod {
		method = semconv.HTTPRequestMethodOther
	}
	r.span.SetAttributes(method, semconv.HTTPResponseBodySize(int(a.Bytes)))
	if a.Route != "" {
		// An address that is none of ours may hold anything, such as a patient's number.
		r.span.SetAttributes(semconv.HTTPRoute(a.Route), semconv.URLPath(a.Path))
	}
	if a.Sent != 0 {
		r.span.SetAttributes(semconv.HTTPResponseStatusCode(a.Sent))
	}
	aborted := a.Sent != a.Status
	if aborted || a.Status >= http.StatusInternalServerError {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(a.Status)))
		description := ""
		if aborted {
			description = "aborted"
		}
		r.span.SetStatus(codes.Error, description)
	}
	r.span.End()
}

// Span is a part of the work on a request. A nil Span is none.
type Span struct{ span oteltrace.Span }

// Child begins a part of the work. It is nil when the request's own span is not made.
func (r *Request) Child(name string) *Span {
	if !r.Recorded() {
		return nil
	}
	_, span := r.tracer.tracer.Start(r.ctx, name) //nolint:spancheck // Span.End ends it
	return &Span{span}                            //nolint:spancheck // Span.End ends it
}

// Text says something about the work: one of few words, and nothing of a user's.
func (s *Span) Text(key, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number says how much there was of something.
func (s *Span) Number(key string, value int) {
	if s != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Fail says that the work failed, and how: a word, and not the text of an error, which
// may hold anything.
func (s *Span) Fail(kind string) {
	if s != nil {
		fail(s.span, kind)
	}
}

// End ends the part.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}

func fail(span oteltrace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, "")
}
