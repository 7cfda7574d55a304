// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/config"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/telemetry/tracetest"
)

// traces returns the settings of traces to an endpoint.
func traces(t *testing.T, endpoint string) app.Traces {
	t.Helper()
	settings, problems := app.ReadTraces(func(name string) string { return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}[name] })
	if problems != nil {
		t.Fatal(problems)
	}
	return settings
}

// traced starts a server that sends traces to a collector, which it returns.
func traced(t *testing.T, change func(*config.Config)) (instance, *tracetest.Collector) {
	t.Helper()
	collector := tracetest.New(t)
	return ownTraced(t, traces(t, collector.URL), change), collector
}

// parent returns a traceparent and its trace id, which differs for each n.
func parent(n int) (header, id string) {
	id = fmt.Sprintf("%032x", n+1)
	return "00-" + id + "-00f067aa0ba902b7-01", id
}

// spansOf stops the server and returns the spans of a trace and their names. The first is
// the span of the request, and the parent of the others.
func (i instance) spansOf(t *testing.T, collector *tracetest.Collector, id string) (spans []tracetest.Span, names []string) {
	t.Helper()
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	spans = slices.DeleteFunc(collector.Spans(), func(s tracetest.Span) bool { return s.TraceID != id })
	if len(spans) == 0 {
		t.Fatal("no spans")
	}
	for n, s := range spans {
		names = append(names, s.Name)
		if n > 0 && (s.Parent != spans[0].ID || s.Begin.Before(spans[0].Begin) || s.End.After(spans[0].End)) {
			t.Errorf("span %s is not a child within %s", s.Name, spans[0].Name)
		}
	}
	if spans[0].Kind != "SERVER" || spans[0].Parent != "00f067aa0ba902b7" {
		t.Errorf("the first span is %+v", spans[0])
	}
	return spans, names
}

// A request has a span with a child for each part. Log and audit hold its trace id.
func TestTraceOfACall(t *testing.T) {
	t.Parallel()
	server, collector := traced(t, nil)
	user, other := newUser(), newUser()
	job := doneJob(user, noon)
	job.Parameters = []byte(`{"resourceType":"Parameters","parameter":[{"name":"cohort","valueString":"confidential"}]}`)
	server.load(t, job, doneJob(other, noon))
	header, id := parent(1)
	a := server.do(t, request{method: "GET", path: operation + "?status=DONE&since=2026-02-03T04:05:06Z", user: user}.
		with("Traceparent", header).with("Tracestate", "vendor=1").with("Baggage", "k=carried").with("User-Agent", "made-by-a-test").with("X-Request-Id", "own-id"))
	if got := len(a.entries(t)); got != 1 {
		t.Fatalf("%d entries", got)
	}
	spans, names := server.spansOf(t, collector, id)
	if want := []string{"GET /fhir/$get-report-job-status", "token", "query", "encode"}; !slices.Equal(names, want) {
		t.Fatalf("spans %q, want %q", names, want)
	}
	for n, want := range []map[string]string{
		{
			"http.request.method": "GET", "http.route": "/fhir/$get-report-job-status", "url.path": "/fhir/$get-report-job-status", "url.scheme": "https",
			"server.address": "reporting.example.org", "http.response.status_code": "200", "http.response.body.size": strconv.Itoa(len(a.body)),
		},
		{"reporting.token.result": "accepted"},
		{
			"db.system.name": "postgresql", "db.collection.name": "report_job", "db.operation.name": "SELECT", "db.response.returned_rows": "1",
		},
		{"reporting.response.bytes": strconv.Itoa(len(a.body))},
	} {
		if s := spans[n]; !maps.Equal(s.Attributes, want) || s.Error || s.State != "vendor=1" {
			t.Errorf("%s: %v, want %v", s.Name, s, want)
		}
	}
	// Encoding overlaps with the query.
	if query, encode := spans[2], spans[3]; encode.Begin.After(query.End) || !encode.End.After(query.End) {
		t.Errorf("the query is %s to %s, encoding %s to %s", query.Begin, query.End, encode.Begin, encode.End)
	}
	if s := spans[0].Resource; s["service.name"] != "reporting" || s["service.version"] != "9.8.7" {
		t.Errorf("resource %v", s)
	}
	line, record := server.logged(t, "own-id")[0], server.audited(t)[0]
	if line["trace_id"] != id || line["span_id"] != spans[0].ID || record.TraceID != id {
		t.Errorf("log %v, audit %+v, want %s %s", line, record, id, spans[0].ID)
	}
	for _, word := range []string{
		user, other, token(user), strings.Split(token(user), ".")[1], "Bearer", "2026-02-03", "DONE", "confidential", "com.example", job.ID.String(),
		"Binary", "carried", "made-by-a-test", "own-id", "127.0.0.1", "user_id",
	} {
		if strings.Contains(collector.Raw(), word) {
			t.Errorf("the collector got %q", word)
		}
	}
}

// A long list has a span for each page that is read and for each part that is sent. XML is
// read twice.
func TestTraceOfLongList(t *testing.T) {
	t.Parallel()
	slow(t, "lists 2,000 jobs in both formats")
	for format, rounds := range map[string]int{fhirJSON: 1, "application/fhir+xml": 2} {
		server, collector := traced(t, nil)
		const jobs = 2000
		user := newUser()
		insertJobs(t, server, user, jobs)
		header, id := parent(1)
		a := server.do(t, status(user).with("Traceparent", header).with("Accept", format))
		if a.status != http.StatusOK {
			t.Fatalf("got status %d: %s", a.status, a.body)
		}
		spans, _ := server.spansOf(t, collector, id)
		rows, bytes, queries, pieces := 0, 0, 0, 0
		for _, s := range spans {
			switch s.Name {
			case "query":
				n, _ := strconv.Atoi(s.Attributes["db.response.returned_rows"])
				rows, queries = rows+n, queries+1
			case "encode":
				n, _ := strconv.Atoi(s.Attributes["reporting.response.bytes"])
				bytes, pieces = bytes+n, pieces+1
			}
			if s.Error {
				t.Errorf("%s: %+v", format, s)
			}
		}
		if rows != rounds*jobs || bytes != len(a.body) || queries < 3*rounds || pieces < 3 {
			t.Errorf("%s: %d rows in %d queries, %d of %d bytes in %d pieces", format, rows, queries, bytes, len(a.body), pieces)
		}
	}
}

// Queries that are coalesced into one have a span each, with the number of their own rows.
func TestTraceOfCoalescedQueries(t *testing.T) {
	t.Parallel()
	slow(t, "makes 100 calls at a time")
	server, collector := traced(t, nil)
	const callers = 100
	users := make([]string, callers)
	for n := range users {
		users[n] = newUser()
		for range n % 4 {
			server.load(t, queuedJob(users[n], noon))
		}
	}
	var sent atomic.Int64
	ids := make([]string, callers) // of the successful requests
	var wg sync.WaitGroup
	for n, user := range users { // more than there are connections, so that queries are coalesced
		wg.Go(func() {
			waitFor(t, "a response", func() bool { // a busy machine may reject some
				var header string
				header, ids[n] = parent(int(sent.Add(1)))
				return server.do(t, status(user).with("Traceparent", header)).status == http.StatusOK
			})
		})
	}
	wg.Wait()
	for n, id := range ids {
		spans, names := server.spansOf(t, collector, id)
		if !slices.Equal(names[1:3], []string{"token", "query"}) || len(spans) != 4 {
			t.Fatalf("%d: %q", n, names)
		}
		if got := spans[2].Attributes["db.response.returned_rows"]; got != strconv.Itoa(n%4) {
			t.Errorf("%d: %s rows, want %d", n, got, n%4)
		}
	}
}

func TestTraceOfFailures(t *testing.T) {
	t.Parallel()
	unavailable, collector := traced(t, func(c *config.Config) { c.DatabaseURL = unreachable })
	sent := map[string]request{
		"503": status("u"), "401": {method: "POST", path: operation}, "404": {method: "GET", path: "/251248-9996?token=x"},
		"405": {method: "MADE-UP", path: "/metadata"},
	}
	ids := map[string]string{}
	for n, name := range slices.Sorted(maps.Keys(sent)) {
		var header string
		header, ids[name] = parent(n)
		if a := unavailable.do(t, sent[name].with("Traceparent", header)); strconv.Itoa(a.status) != name {
			t.Fatalf("%d, want %s", a.status, name)
		}
	}
	spans, _ := unavailable.spansOf(t, collector, ids["503"])
	if s := spans[0]; !s.Error || s.Attributes["error.type"] != "503" || s.Attributes["http.response.status_code"] != "503" {
		t.Errorf("got %+v", s)
	}
	if s := spans[2]; s.Name != "query" || !s.Error || s.Attributes["error.type"] != "unavailable" || s.Message != "" {
		t.Errorf("got %+v", s)
	}
	spans, names := unavailable.spansOf(t, collector, ids["401"])
	if spans[0].Error || len(names) != 2 || spans[1].Error || spans[1].Attributes["reporting.token.result"] != "missing" {
		t.Errorf("got %+v", spans)
	}
	if spans, names = unavailable.spansOf(t, collector, ids["404"]); len(names) != 1 || names[0] != "GET" || spans[0].Error {
		t.Errorf("got %+v", spans)
	}
	if spans, names = unavailable.spansOf(t, collector, ids["405"]); names[0] != "HTTP /fhir/metadata" || spans[0].Attributes["http.request.method"] != "_OTHER" || spans[0].Error {
		t.Errorf("got %+v", spans)
	}
	for _, word := range []string{"251248", "MADE-UP", "nobody", "nowhere"} {
		if strings.Contains(collector.Raw(), word) {
			t.Errorf("the collector got %q", word)
		}
	}
}

// A request in flight when the service stops is traced to its end.
func TestTraceOfCallInFlight(t *testing.T) {
	t.Parallel()
	server, collector := traced(t, nil)
	header, id := parent(1)
	server.stopDuring(t, status("u").with("Traceparent", header))
	if _, names := server.spansOf(t, collector, id); len(names) != 4 {
		t.Errorf("spans %q", names)
	}
}

// The span of a client that disconnects before or during the response says so.
func TestTraceOfAbortedCalls(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 30,000 jobs")
	server, collector := traced(t, nil)
	unlock := lockTable(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	header, before := parent(1)
	ended := make(chan error, 1)
	go func() {
		_, err := send(server.build(t, status("u").with("Traceparent", header)).WithContext(ctx))
		ended <- err
	}()
	watcher := pgtest.Connect(t, server.db.Superuser)
	waitFor(t, "the query", func() bool { return waitingQueries(t, watcher) == 1 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	waitFor(t, "the log", func() bool { return strings.Contains(server.log.String(), `"status":499`) })
	unlock()

	user := newUser()
	insertJobs(t, server, user, 30_000) // more than the buffers of a connection hold
	header, amid := parent(2)
	res, err := client.Do(server.build(t, status(user).with("Traceparent", header)))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	waitFor(t, "the log", func() bool { return strings.Contains(server.log.String(), `"aborted":true`) })

	for id, sent := range map[string]string{before: "", amid: "200"} {
		spans, _ := server.spansOf(t, collector, id)
		if s := spans[0]; !s.Error || s.Message != "aborted" || s.Attributes["error.type"] != "499" || s.Attributes["http.response.status_code"] != sent {
			t.Errorf("got %+v", s)
		}
	}
}

// The histogram of durations holds trace ids as exemplars.
func TestExemplarsNameTraces(t *testing.T) {
	t.Parallel()
	server, _ := traced(t, nil)
	header, id := parent(7)
	server.do(t, status("u").with("Traceparent", header))
	server.do(t, status("u").with("Traceparent", strings.TrimSuffix(strings.Replace(header, "7", "9", 1), "01")+"00")) // not recorded
	metrics := (target{base: server.ops}).do(t, request{method: "GET", path: "/metrics"}.with("Accept", "application/openmetrics-text"))
	if got := strings.Count(string(metrics.body), `# {trace_id="`); got != 1 || !strings.Contains(string(metrics.body), `# {trace_id="`+id+`"}`) {
		t.Errorf("%d exemplars:\n%s", got, metrics.body)
	}
}

// A collector that accepts connections and never responds delays neither requests nor the
// stop, and the log says so once.
func TestHangingCollectorDelaysNothing(t *testing.T) {
	t.Parallel()
	slow(t, "waits two seconds for the exporter to give up")
	listener, err := net.Listen("tcp", "127.0.0.1:0") // nothing accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	server := ownTraced(t, traces(t, "http://"+listener.Addr().String()), nil)
	for range 200 {
		if a := server.do(t, status("u")); a.status != http.StatusOK {
			t.Fatalf("got status %d: %s", a.status, a.body)
		}
	}
	begin := time.Now()
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	// The timeouts of the exporter add up to minutes.
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("the stop took %s, want at most 20 s", took)
	}
	if got := strings.Count(server.log.String(), "export traces failed"); got != 1 {
		t.Errorf("got %d log lines about the collector, want 1", got)
	}
}
