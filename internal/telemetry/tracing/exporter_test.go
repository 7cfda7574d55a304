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

// The headers of the exporter can be secret. They are for the endpoint only.
//
//nolint:paralleltest // it sets the environment
func TestRedirectIsRefused(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret")
	other, collector := tracetest.New(t), tracetest.New(t)
	collector.Respond(http.RedirectHandler(other.URL+"/v1/traces", http.StatusTemporaryRedirect).ServeHTTP)
	tracer, log := open(t, collector.URL)
	end(t, tracer, nil, fine)
	shut(t, tracer)
	if headers := collector.Headers(); len(headers) == 0 || headers[0].Get("Api-Key") != "secret" {
		t.Errorf("the collector got %v", headers)
	}
	if headers := other.Headers(); len(headers) > 0 {
		t.Errorf("the target of the redirect got %v", headers)
	}
	if log.count(failed) != 1 || log.count("redirects") != 1 {
		t.Errorf("logged %q", log.String())
	}
}

// The SDK writes what is wrong with its variables to the log of the service, without their values.
//
//nolint:paralleltest // it sets the environment
func TestInvalidVariablesAreLoggedWithoutValues(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "secret-without-name,api-key=%zzsecret,secret key=x")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "secret")
	t.Setenv("OTEL_TRACES_SAMPLER", "nonsense")
	tracer, log := open(t, tracetest.New(t).URL)
	shut(t, tracer)
	for _, want := range []string{"parse headers", "escape header value", "parse duration", "unsupported sampler"} {
		if log.count(want) == 0 {
			t.Errorf("no line has %q: %s", want, log.String())
		}
	}
	if log.count("secret") > 0 {
		t.Errorf("logged a value: %s", log.String())
	}
}

// A long error page of a proxy does not get into the log.
func TestLongResponseOfTheCollector(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	collector.Respond(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(make([]byte, 1<<20))
	})
	tracer, log := open(t, collector.URL)
	end(t, tracer, nil, fine)
	shut(t, tracer)
	if size := len(log.String()); log.count(failed) != 1 || size > 2<<10 {
		t.Errorf("logged %d bytes", size)
	}
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
	if took := time.Since(begin); took > 5*time.Second {
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
