// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/telemetry/tracetest"
	"reporting/internal/telemetry/tracing"
)

const (
	away  = "traces are not taken"
	again = "traces are taken again"
)

func TestHeadersAndCompression(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	tracer, log := open(t, collector.URL+"/", map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush%20now, tenant=7", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
	})
	end(t, tracer, nil, fine)
	shut(t, tracer)
	asked := collector.Asked()
	if len(asked) != 1 || len(collector.Spans()) != 1 {
		t.Fatalf("%d requests, %d spans", len(asked), len(collector.Spans()))
	}
	if h := asked[0]; h.Get("Api-Key") != "hush now" || h.Get("Tenant") != "7" || h.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", h)
	}
	if log.count("hush") > 0 {
		t.Error("the log has the headers")
	}
}

// A collector that has too much to do is asked again, and the log says once that it was
// away and once that it is back.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		collector := tracetest.New(t)
		tracer, log := open(t, collector.URL, nil)
		collector.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		request := end(t, tracer, nil, fine)
		waitFor(t, "a refusal", func() bool { return len(collector.Asked()) > 0 })
		collector.Answer(nil)
		waitFor(t, "the span", func() bool { return len(collector.Spans()) == 1 })
		if got := collector.Spans()[0].ID; got != request.SpanID() {
			t.Errorf("%d: %s", status, got)
		}
		waitFor(t, "the log", func() bool { return log.count(again) == 1 })
		if log.count(away) != 1 {
			t.Errorf("%d: told %d times", status, log.count(away))
		}
		shut(t, tracer)
	}
}

// What will never be taken is not sent twice, and headers go to nobody else.
func TestNotTriedAgain(t *testing.T) {
	t.Parallel()
	elsewhere := tracetest.New(t)
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusTemporaryRedirect, http.StatusInternalServerError} {
		collector := tracetest.New(t)
		tracer, log := open(t, collector.URL, map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush"})
		collector.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/v1/traces")
			w.WriteHeader(status)
		})
		for n := 1; n <= 3; n++ {
			end(t, tracer, nil, fine)
			waitFor(t, "a refusal", func() bool { return len(collector.Asked()) == n })
		}
		shut(t, tracer)
		if len(collector.Asked()) != 3 || log.count(away) != 1 || log.count("hush") != 0 {
			t.Errorf("%d: %d requests, told %d times", status, len(collector.Asked()), log.count(away))
		}
	}
	if len(elsewhere.Asked()) > 0 {
		t.Error("followed a redirect")
	}
}

// silence accepts connections, listens, and never says a word.
func silence(t *testing.T) (url string, connected, left *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connected, left = &atomic.Int64{}, &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connected.Add(1)
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
				left.Add(1)
			}()
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String(), connected, left
}

// Whatever the collector does, those who make spans do not wait, the stop ends with its
// limit, and the log has one line of it.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Close() // nobody listens there now
	hanging, connected, left := silence(t)
	for name, c := range map[string]struct {
		endpoint string
		limit    time.Duration
	}{
		"refusing": {"http://" + refused.Addr().String(), time.Minute},
		"hanging":  {hanging, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Left alone, it would try for ten minutes.
			tracer, log := open(t, c.endpoint, map[string]string{
				"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_EXPORT_TIMEOUT": "600000", "OTEL_EXPORTER_OTLP_TIMEOUT": "600000",
			})
			for range 10_000 { // a thousand times what may wait
				end(t, tracer, nil, fine)
			}
			if name == "hanging" {
				waitFor(t, "a connection", func() bool { return connected.Load() > 0 })
			} else {
				waitFor(t, "the log", func() bool { return log.count(away) == 1 })
			}
			limited, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			begin := time.Now()
			if err := tracer.Close(limited); err != nil {
				t.Errorf("stop: %v", err)
			}
			if took := time.Since(begin); took > 20*time.Second || (name == "refusing" && limited.Err() != nil) {
				t.Errorf("the stop took %v", took)
			}
			if name == "hanging" {
				waitFor(t, "the end of the connection", func() bool { return left.Load() == connected.Load() })
			}
			end(t, tracer, nil, fine) // too late, and no harm
			waitFor(t, "the log", func() bool { return log.count(away) == 1 })
			if log.count(again) != 0 {
				t.Error("it is said to be back")
			}
		})
	}
}

// A collector that takes its time holds up nothing, and gets everything in the end.
func TestSlowCollector(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	release := make(chan struct{})
	collector.Answer(func(w http.ResponseWriter, r *http.Request) {
		<-release
		collector.Answer(nil)
		collector.ServeHTTP(w, r)
	})
	tracer, log := open(t, collector.URL, nil)
	for range 100 {
		end(t, tracer, nil, fine)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		shut(t, tracer)
	}()
	close(release)
	<-closed
	if n := len(collector.Spans()); n != 100 || log.count(away) > 0 {
		t.Errorf("%d spans, told %d times", n, log.count(away))
	}
}

func BenchmarkRequest(b *testing.B) {
	collector := tracetest.New(b)
	on, _ := open(b, collector.URL, nil)
	unsampled, _ := open(b, collector.URL, map[string]string{"OTEL_TRACES_SAMPLER": "always_off"})
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
