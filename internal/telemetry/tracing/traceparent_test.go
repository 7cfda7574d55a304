// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"net/http"
	"strings"
	"testing"

	"reporting/internal/telemetry/tracing"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// A valid traceparent is continued, even when traces are off.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	var off *tracing.Tracer
	const good = "00-" + traceID + "-" + spanID + "-01"
	for text, valid := range map[string]bool{
		good:                                   true,
		"00-" + traceID + "-" + spanID + "-00": true,
		"00-" + traceID + "-" + spanID + "-ff": false, // the propagator refuses unknown flags of version 00
		"01-" + traceID + "-" + spanID + "-01": true,
		"cc-" + traceID + "-" + spanID + "-01-what-the-future-brings": true,
		"cc-" + traceID + "-" + spanID + "-01.x":                      false,
		good + "-x":                                                   false,
		good + "0":                                                    false,
		"ff-" + traceID + "-" + spanID + "-01":                        false,
		"0g-" + traceID + "-" + spanID + "-01":                        false,
		"00-" + traceID + "-" + spanID + "-0":                         false,
		"00-" + traceID + "-" + spanID + "-0x":                        false,
		"00-" + traceID + "-" + spanID + "-0A":                        false,
		"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01":       false,
		"00-" + traceID + "-" + strings.ToUpper(spanID) + "-01":       false,
		"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01":        false,
		"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01":       false,
		"00_" + traceID + "_" + spanID + "_01":                        false,
		"00-" + traceID[:31] + "-" + spanID + "-01-":                  false,
		"":                      false,
		strings.Repeat("-", 55): false,
		strings.Repeat("é", 28): false,
	} {
		ctx, request := off.Begin(t.Context(), http.Header{"Traceparent": {text}})
		if ctx != t.Context() || request.Recorded() {
			t.Errorf("%q: a span although traces are off", text)
		}
		want, wantSpan := "", ""
		if valid {
			want, wantSpan = traceID, spanID
		}
		if request.ID() != want || request.SpanID() != wantSpan {
			t.Errorf("%q: %q, %q, want %q, %q", text, request.ID(), request.SpanID(), want, wantSpan)
		}
	}
	if _, request := off.Begin(t.Context(), http.Header{"Traceparent": {good, good}}); request != nil {
		t.Error("accepted two traceparents")
	}
}

// Without traces and without a traceparent, a request allocates nothing for them.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestOffCostsNothing(t *testing.T) {
	var off *tracing.Tracer
	header := http.Header{"Authorization": {"Bearer x"}}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, request := off.Begin(ctx, header)
		span := request.Child("token")
		span.Text("a", "b")
		span.Number("a", 1)
		span.Fail("x")
		span.End()
		request.End(tracing.Response{})
		if request.ID() != "" || request.SpanID() != "" {
			t.Error("a trace without a traceparent")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if store := (&nothing{}); off.Jobs(store) != store {
		t.Error("the store is wrapped")
	}
	if err := off.Close(ctx); err != nil {
		t.Error(err)
	}
}
