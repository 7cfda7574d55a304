// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/report"
	"reporting/internal/telemetry/tracetest"
	"reporting/internal/telemetry/tracing"
)

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// TestMain makes the SDK send spans at once.
func TestMain(m *testing.M) {
	if err := os.Setenv("OTEL_BSP_SCHEDULE_DELAY", "5"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// open starts a tracer that sends to a collector.
func open(t testing.TB, endpoint string) (*tracing.Tracer, *logBuffer) {
	t.Helper()
	settings, problems := tracing.Read(func(name string) string { return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}[name] })
	if problems != nil {
		t.Fatal(problems)
	}
	log := &logBuffer{}
	tracer, err := tracing.New(t.Context(), tracing.Options{
		Settings: settings, Version: "9.8.7", Base: &url.URL{Scheme: "https", Host: "reporting.example:8443"},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, log
}

func shut(t testing.TB, tracer *tracing.Tracer) {
	t.Helper()
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// end makes and ends a request's span.
func end(t testing.TB, tracer *tracing.Tracer, header http.Header, response tracing.Response) *tracing.Request {
	t.Helper()
	_, request := tracer.Begin(t.Context(), header)
	request.End(response)
	return request
}

var fine = tracing.Response{Method: "POST", Route: "/fhir/$x", Path: "/fhir/$x", Sent: 200, Status: 200, Bytes: 7}

//nolint:paralleltest // it sets the environment
func TestServerSpan(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=te%20st,service.version=x")
	for name, c := range map[string]struct {
		answer  tracing.Response
		span    string
		want    string // attributes that differ from one to another
		failed  bool
		message string
	}{
		"fine":    {fine, "POST /fhir/$x", "POST 200 /fhir/$x /fhir/$x ", false, ""},
		"refused": {tracing.Response{Method: "GET", Route: "/a/{id}", Path: "/a/7", Sent: 401, Status: 401}, "GET /a/{id}", "GET 401 /a/{id} /a/7 ", false, ""},
		"nowhere": {tracing.Response{Method: "GET", Path: "/Patient/251248-9996", Sent: 404, Status: 404}, "GET", "GET 404   ", false, ""},
		"made up": {tracing.Response{Method: "other", Path: "/x", Sent: 405, Status: 405}, "HTTP", "_OTHER 405   ", false, ""},
		"made up for us": {
			tracing.Response{Method: "other", Route: "/a", Path: "/a", Sent: 405, Status: 405}, "HTTP /a", "_OTHER 405 /a /a ", false, "",
		},
		"our fault": {tracing.Response{Method: "GET", Route: "/a", Path: "/a", Sent: 503, Status: 503}, "GET /a", "GET 503 /a /a 503", true, ""},
		"broke off": {tracing.Response{Method: "GET", Route: "/a", Path: "/a", Sent: 200, Status: 503}, "GET /a", "GET 200 /a /a 503", true, "aborted"},
		"gone":      {tracing.Response{Method: "GET", Route: "/a", Path: "/a", Sent: 0, Status: 499}, "GET /a", "GET  /a /a 499", true, "aborted"},
	} {
		t.Run(name, func(t *testing.T) {
			collector := tracetest.New(t)
			tracer, _ := open(t, collector.URL)
			request := end(t, tracer, nil, c.answer)
			shut(t, tracer)
			spans := collector.Spans()
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			s := spans[0]
			a := s.Attributes
			got := strings.Join([]string{
				a["http.request.method"], a["http.response.status_code"], a["http.route"], a["url.path"], a["error.type"],
			}, " ")
			if s.Name != c.span || got != c.want || s.Error != c.failed || s.Message != c.message || s.Kind != "SERVER" {
				t.Errorf("%s %q %q error %v %q, want %q %q %v %q", s.Kind, s.Name, got, s.Error, s.Message, c.span, c.want, c.failed, c.message)
			}
			if a["url.scheme"] != "https" || a["server.address"] != "reporting.example" || a["server.port"] != "8443" {
				t.Errorf("the server is %v", a)
			}
			if s.TraceID != request.ID() || s.ID != request.SpanID() || s.Parent != "" {
				t.Errorf("ids %s %s %s, told %s %s", s.TraceID, s.ID, s.Parent, request.ID(), request.SpanID())
			}
			r := s.Resource
			if r["service.name"] != "reporting" || r["deployment.environment.name"] != "te st" || r["service.version"] != "x" || r["telemetry.sdk.language"] != "go" {
				t.Errorf("resource %v", r)
			}
		})
	}
}

func TestTraceIsContinued(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	tracer, _ := open(t, collector.URL)
	end(t, tracer, http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-01"}, "Tracestate": {"a=1", "b=2"}}, fine)
	end(t, tracer, http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-01"}, "Tracestate": {"not readable"}}, fine)
	unsampled := end(t, tracer, http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-00"}}, fine)
	shut(t, tracer)
	spans := collector.Spans()
	if len(spans) != 2 || spans[0].State != "a=1,b=2" || spans[1].State != "" {
		t.Fatalf("%+v", spans)
	}
	for _, s := range spans {
		if s.TraceID != traceID || s.Parent != spanID {
			t.Errorf("%s below %s", s.TraceID, s.Parent)
		}
	}
	// The log has the ids of a caller that is not sampled.
	if unsampled.Recorded() || unsampled.ID() != traceID || unsampled.SpanID() != spanID {
		t.Errorf("%v %s %s", unsampled.Recorded(), unsampled.ID(), unsampled.SpanID())
	}
}

//nolint:paralleltest // it sets the environment
func TestSampling(t *testing.T) {
	sampled := http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-01"}}
	not := http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-00"}}
	for _, c := range []struct {
		sampler, arg                       string
		alone, whenSampled, whenNotSampled bool
	}{
		{"", "", true, true, false},
		{"always_on", "", true, true, true},
		{"always_off", "", false, false, false},
		{"parentbased_always_on", "", true, true, false},
		{"parentbased_always_off", "", false, true, false},
		{"parentbased_traceidratio", "0", false, true, false},
		{"parentbased_traceidratio", "", true, true, false},
		{"traceidratio", "0", false, false, false},
		{"traceidratio", "1.0", true, true, true},
	} {
		collector := tracetest.New(t)
		t.Setenv("OTEL_TRACES_SAMPLER", c.sampler)
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", c.arg)
		tracer, _ := open(t, collector.URL)
		got := []bool{end(t, tracer, nil, fine).Recorded(), end(t, tracer, sampled, fine).Recorded(), end(t, tracer, not, fine).Recorded()}
		if want := []bool{c.alone, c.whenSampled, c.whenNotSampled}; !slices.Equal(got, want) {
			t.Errorf("%s %s: %v, want %v", c.sampler, c.arg, got, want)
		}
		shut(t, tracer)
	}
}

// nothing is a store that does as told.
type nothing struct {
	jobs int
	err  error
}

func (n *nothing) EachJob(_ context.Context, _ report.Filter, yield func(*report.Job) error) error {
	for range n.jobs {
		if err := yield(&report.Job{UserID: "secret user"}); err != nil {
			return err
		}
	}
	return n.err
}

func TestJobs(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, c := range map[string]struct {
		store  nothing
		yield  error
		rows   string
		failed string
	}{
		"rows":    {nothing{jobs: 3}, nil, "3", ""},
		"none":    {nothing{}, nil, "0", ""},
		"a page":  {nothing{jobs: 3}, enough, "1", ""}, // its end is no failure
		"away":    {nothing{err: &report.Error{Kind: report.Unavailable, Cause: errors.New("secret cause")}}, nil, "0", "unavailable"},
		"midways": {nothing{jobs: 2, err: &report.Error{Kind: report.Timeout}}, nil, "2", "timeout"},
	} {
		collector := tracetest.New(t)
		tracer, _ := open(t, collector.URL)
		ctx, request := tracer.Begin(t.Context(), nil)
		filter := report.Filter{UserID: "secret user", Statuses: []report.Status{"secret status"}}
		err := tracer.Jobs(&c.store).EachJob(ctx, filter, func(*report.Job) error { return c.yield })
		if want := errors.Join(c.yield, c.store.err); (err == nil) != (want == nil) || err != nil && !errors.Is(want, err) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		request.End(fine)
		// A query without a request creates no trace.
		if err := tracer.Jobs(&c.store).EachJob(t.Context(), filter, func(*report.Job) error { return nil }); !errors.Is(err, c.store.err) {
			t.Errorf("%s: %v", name, err)
		}
		shut(t, tracer)
		spans := collector.Spans()
		if len(spans) != 2 {
			t.Fatalf("%s: %d spans", name, len(spans))
		}
		s := spans[1]
		want := map[string]string{
			"db.system.name": "postgresql", "db.collection.name": "report_job", "db.operation.name": "SELECT", "db.response.returned_rows": c.rows,
		}
		if c.failed != "" {
			want["error.type"] = c.failed
		}
		if s.Name != "query" || s.Kind != "CLIENT" || s.Parent != spans[0].ID || !maps.Equal(s.Attributes, want) || s.Error != (c.failed != "") {
			t.Errorf("%s: %+v", name, s)
		}
		if strings.Contains(collector.Raw(), "secret") {
			t.Errorf("%s: the spans contain confidential data", name)
		}
	}
}
