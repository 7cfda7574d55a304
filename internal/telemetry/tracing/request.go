// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Request is the part of a trace that belongs to a request. A nil Request has no trace.
type Request struct {
	ids    oteltrace.SpanContext // of the request's span; without one, of the caller's
	tracer *Tracer               // nil: the request has no span
	span   oteltrace.Span
	ctx    context.Context //nolint:containedctx // with the span, for its children
}

// Begin starts the span of a request, in the trace that its headers name, if they do (W3C Trace
// Context). The returned context carries the span.
func (t *Tracer) Begin(ctx context.Context, header http.Header) (context.Context, *Request) {
	parent, remote := oteltrace.SpanContext{}, ctx
	if len(header["Traceparent"]) > 0 {
		remote = propagation.TraceContext{}.Extract(ctx, carrier{propagation.HeaderCarrier(header)})
		parent = oteltrace.SpanContextFromContext(remote)
	}
	if t != nil {
		// End sets the name.
		begun, span := t.tracer.Start(remote, "HTTP", oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(t.server...))
		if span.IsRecording() {
			return begun, &Request{ids: span.SpanContext(), tracer: t, span: span, ctx: begun}
		}
	}
	if !parent.IsValid() {
		return ctx, nil
	}
	return ctx, &Request{ids: parent}
}

// carrier joins repeated headers (RFC 9110 section 5.3). HeaderCarrier takes the first one.
type carrier struct{ propagation.HeaderCarrier }

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	return strings.Join(http.Header(c.HeaderCarrier).Values(key), ",")
}

// ID returns the trace id as 32 hexadecimal digits, or an empty string without a trace.
func (r *Request) ID() string {
	if r == nil {
		return ""
	}
	return r.ids.TraceID().String()
}

// SpanID returns the id of the request's span as 16 hexadecimal digits. When the request is not
// sampled, it is the id of the caller's span. Without a trace it is empty.
func (r *Request) SpanID() string {
	if r == nil {
		return ""
	}
	return r.ids.SpanID().String()
}

// Recorded reports whether the request has a span that is sent.
func (r *Request) Recorded() bool { return r != nil && r.tracer != nil }

// Response describes how a request ended.
type Response struct {
	Method string // from a closed set
	Route  string // pattern of the address; empty: none matched
	Path   string // path of the address
	Sent   int    // status that was sent; 0: none
	Status int    // status with which the request ended; it differs from Sent when the response was aborted
	Bytes  int64  // size of the body
}

// name returns a name such as "POST /fhir/$x", or the method alone without a route (OpenTelemetry,
// semantic conventions for HTTP spans).
func (response Response) name() string {
	method := response.Method
	if method == otherMethod {
		method = "HTTP"
	}
	if response.Route == "" {
		return method
	}
	return method + " " + response.Route
}

// otherMethod is the value of Response.Method for an unknown method.
const otherMethod = "other"

// End ends the span of a request. The span has the status error for a 5xx response and for an
// aborted one.
func (r *Request) End(response Response) {
	if !r.Recorded() {
		return
	}
	r.span.SetName(response.name())
	method := semconv.HTTPRequestMethodKey.String(response.Method)
	if response.Method == otherMethod {
		method = semconv.HTTPRequestMethodOther
	}
	r.span.SetAttributes(method, semconv.HTTPResponseBodySize(int(response.Bytes)))
	if response.Route != "" {
		// A path without a route can contain anything, such as a patient's number.
		r.span.SetAttributes(semconv.HTTPRoute(response.Route), semconv.URLPath(response.Path))
	}
	if response.Sent != 0 {
		r.span.SetAttributes(semconv.HTTPResponseStatusCode(response.Sent))
	}
	aborted := response.Sent != response.Status
	if aborted || response.Status >= http.StatusInternalServerError {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(response.Status)))
		description := ""
		if aborted {
			description = "aborted"
		}
		r.span.SetStatus(codes.Error, description)
	}
	r.span.End()
}

// Span is a part of a request. A nil Span does nothing.
type Span struct{ span oteltrace.Span }

// Child starts a part of a request. It returns nil for a request without a span.
func (r *Request) Child(name string) *Span {
	if !r.Recorded() {
		return nil
	}
	_, span := r.tracer.tracer.Start(r.ctx, name) //nolint:spancheck // Span.End ends it
	return &Span{span}                            //nolint:spancheck // Span.End ends it
}

// Text sets an attribute. The value comes from a closed set and never from a user.
func (s *Span) Text(key, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number sets a numeric attribute.
func (s *Span) Number(key string, value int) {
	if s != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Fail marks the span as failed. kind comes from a closed set; the text of an error could contain
// anything.
func (s *Span) Fail(kind string) {
	if s != nil {
		fail(s.span, kind)
	}
}

// End ends the span.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}

func fail(span oteltrace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, "")
}
