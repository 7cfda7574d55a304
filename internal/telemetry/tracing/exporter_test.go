// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"reporting/internal/telemetry/tracetest"
	"reporting/internal/telemetry/tracing"
)

const (
	failed    = "export traces failed"
	succeeded = "export traces succeeded again"
)

// The log has one line for the begin of an outage and one for its end.
func TestOutageOfTheCollectorIsLoggedOnce(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	tracer, log := open(t, collector.URL)
	collector.Respond(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }) // not retried
	for n := 1; n <= 3; n++ {
		end(t, tracer, nil, fine)
		waitFor(t, "a request", func() bool { return len(collector.Headers()) == n })
	}
	waitFor(t, "the log", func() bool { return log.count(failed) == 1 })
	collector.Respond(nil)
	request := end(t, tracer, nil, fine)
	waitFor(t, "the log", func() bool { return log.count(succeeded) == 1 })
	if spans := collector.Spans(); len(spans) != 1 || spans[0].ID != request.SpanID() {
		t.Errorf("got %+v, want the last span", spans)
	}
	shut(t, tracer)
	if log.count(failed) != 1 {
		t.Errorf("logged %d times", log.count(failed))
	}
}

// A collector that is overloaded gets the spans again.
func TestExportIsRetried(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	tracer, _ := open(t, collector.URL)
	collector.Respond(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	request := end(t, tracer, nil, fine)
	waitFor(t, "a refusal", func() bool { return len(collector.Headers()) > 0 })
	collector.Respond(nil)
	waitFor(t, "the span", func() bool { return len(collector.Spans()) == 1 })
	if got := collector.Spans()[0].ID; got != request.SpanID() {
		t.Errorf("got span %s, want %s", got, request.SpanID())
	}
	shut(t, tracer)
}

// A collector that accepts connections and never responds delays neither requests nor the stop.
func TestHangingCollector(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // nothing accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	tracer, log := open(t, "http://"+listener.Addr().String())
	for range 10_000 { // more than the queue holds
		end(t, tracer, nil, fine)
	}
	limited, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := tracer.Close(limited); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if log.count(failed) != 1 {
		t.Errorf("logged %d times, want once", log.count(failed))
	}
	end(t, tracer, nil, fine) // after Close
}

func BenchmarkRequest(b *testing.B) {
	collector := tracetest.New(b)
	on, _ := open(b, collector.URL)
	b.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	unsampled, _ := open(b, collector.URL)
	for name, tracer := range map[string]*tracing.Tracer{"off": nil, "unsampled": unsampled, "sampled": on} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, request := tracer.Begin(b.Context(), nil)
				for _, part := range []string{"token", "query", "encode"} {
					span := request.Child(part)
					span.End()
				}
				request.End(fine)
			}
		})
	}
	shut(b, on)
	shut(b, unsampled)
}
