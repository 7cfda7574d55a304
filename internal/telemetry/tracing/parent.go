// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"encoding/hex"
	"net/http"
	"strings"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// The form of a traceparent of version 00 (W3C Trace Context, section 3.2.2):
// version, trace id, parent id and flags, in hexadecimal digits with hyphens between.
const (
	atTraceID = len("00-")
	atSpanID  = atTraceID + 32 + 1
	atFlags   = atSpanID + 16 + 1
	wholeForm = atFlags + 2
)

// parentOf returns the span that a request's headers name as its caller's. It is not
// valid when there is none, or none that can be read.
func parentOf(header http.Header) oteltrace.SpanContext {
	values := header["Traceparent"]
	if len(values) != 1 {
		return oteltrace.SpanContext{}
	}
	text := values[0]
	if len(text) < wholeForm || text[atTraceID-1] != '-' || text[atSpanID-1] != '-' || text[atFlags-1] != '-' {
		return oteltrace.SpanContext{}
	}
	version, ok := octet(text[:atTraceID-1])
	// Later versions may add to the form, behind a hyphen; ff is none.
	if !ok || version == 0xff || len(text) > wholeForm && (version == 0 || text[wholeForm] != '-') {
		return oteltrace.SpanContext{}
	}
	flags, ok := octet(text[atFlags:wholeForm])
	if !ok {
		return oteltrace.SpanContext{}
	}
	var parts oteltrace.SpanContextConfig
	var err error
	if parts.TraceID, err = oteltrace.TraceIDFromHex(text[atTraceID : atSpanID-1]); err != nil {
		return oteltrace.SpanContext{}
	}
	if parts.SpanID, err = oteltrace.SpanIDFromHex(text[atSpanID : atFlags-1]); err != nil {
		return oteltrace.SpanContext{}
	}
	parts.TraceFlags, parts.Remote = oteltrace.TraceFlags(flags)&oteltrace.FlagsSampled, true
	return oteltrace.NewSpanContext(parts)
}

// withState adds what other tracing systems have to say to one another. What cannot be
// read is left out (W3C Trace Context, section 3.3).
func withState(parent oteltrace.SpanContext, header http.Header) oteltrace.SpanContext {
	values := header["Tracestate"]
	if len(values) == 0 {
		return parent
	}
	state, err := oteltrace.ParseTraceState(strings.Join(values, ","))
	if err != nil {
		return parent
	}
	return parent.WithTraceState(state)
}

// octet reads two hexadecimal digits, of which letters must be small.
func octet(digits string) (byte, bool) {
	var value [1]byte
	if strings.ToLower(digits) != digits {
		return 0, false
	}
	_, err := hex.Decode(value[:], []byte(digits))
	return value[0], err == nil
}
