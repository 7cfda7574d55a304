// SPDX-License-Identifier: Apache-2.0

package jobstatus_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/httpapitest"
	"reporting/internal/httpapi/jobstatus"
	"reporting/internal/report"
)

// fakeStore holds so many equal jobs.
type fakeStore struct {
	jobs       int
	parameters string
	err        error // after the jobs
	filters    []report.Filter
	each       func() // nil, or called before each job
}

func (s *fakeStore) EachJob(_ context.Context, filter report.Filter, yield func(*report.Job) error) error {
	s.filters = append(s.filters, filter)
	first := 0
	if !filter.After.IsZero() {
		first = int(filter.After.ID[0])<<8 + int(filter.After.ID[1]) + 1
	}
	for n := first; n < min(s.jobs, first+filter.Count); n++ {
		if s.each != nil {
			s.each()
		}
		if err := yield(&report.Job{
			ID: report.JobID{byte(n >> 8), byte(n)}, ReportClass: "C", UserID: "u", Status: report.Queued,
			Parameters: []byte(s.parameters), Created: time.Unix(int64(1<<30-n), 0),
		}); err != nil {
			return err
		}
	}
	return s.err
}

const (
	noParameters = `{"resourceType":"Parameters"}`
	status       = "/$get-report-job-status"
)

func api(t testing.TB, store *fakeStore) http.Handler {
	t.Helper()
	return httpapitest.New(t, []httpapi.Operation{jobstatus.New(store, fhir.Links{Base: httpapitest.Base})}, nil)
}

var caller = auth.Principal{UserID: "u"}

func TestResponses(t *testing.T) {
	t.Parallel()
	// XML has no representation of this character.
	unwritable := `{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"\u0001"}]}`
	for name, c := range map[string]struct {
		store       fakeStore
		method      string
		path        string
		accept      string
		caller      auth.Principal
		status      int
		contentType string
		contains    string
	}{
		"no token":                    {method: "POST", path: status, status: 401, contentType: "application/fhir+json"},
		"no jobs":                     {method: "POST", path: status, caller: caller, status: 200, contentType: "application/fhir+json", contains: `"type":"collection"`},
		"GET":                         {method: "GET", path: status, caller: caller, store: fakeStore{jobs: 1, parameters: noParameters}, status: 200, contains: `"fullUrl"`},
		"XML":                         {method: "GET", path: status, caller: caller, accept: "application/fhir+xml", store: fakeStore{jobs: 1, parameters: noParameters}, status: 200, contentType: "application/fhir+xml", contains: "<Bundle"},
		"a job that XML cannot hold":  {method: "GET", path: status, caller: caller, accept: "application/fhir+xml", store: fakeStore{jobs: 1, parameters: unwritable}, status: 406, contains: "cannot be written"},
		"no acceptable format":        {method: "GET", path: status, caller: caller, accept: "image/png", status: 406},
		"an invalid status":           {method: "GET", path: status + "?status=NOPE", caller: caller, status: 400, contains: "Expected one of"},
		"an invalid since":            {method: "GET", path: status + "?since=x", caller: caller, status: 400, contains: "Expected a dateTime"},
		"an invalid count":            {method: "GET", path: status + "?_count=0", caller: caller, status: 400, contains: "Expected a whole number"},
		"an invalid outcome":          {method: "GET", path: status + "?outcome=x", caller: caller, status: 400, contains: "Expected true or false"},
		"a method that is not served": {method: "DELETE", path: status, caller: caller, status: 405},
		"a database that is down":     {method: "GET", path: status, caller: caller, store: fakeStore{err: &report.Error{Kind: report.Unavailable}}, status: 503},
		"a slow database":             {method: "GET", path: status, caller: caller, store: fakeStore{jobs: 1, parameters: noParameters, err: &report.Error{Kind: report.Timeout}}, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := map[string]string{}
			if c.accept != "" {
				header["Accept"] = c.accept
			}
			w := httpapitest.Do(api(t, &c.store), httpapitest.Request{Method: c.method, Path: c.path, Caller: c.caller, Header: header})
			if w.Code != c.status || !strings.HasPrefix(w.Header().Get("Content-Type"), c.contentType) || !strings.Contains(w.Body.String(), c.contains) {
				t.Errorf("got %d %q: %.300s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
		})
	}
}

func TestQueriesAreLimitedToTheCaller(t *testing.T) {
	t.Parallel()
	store := &fakeStore{jobs: 250, parameters: noParameters}
	httpapitest.Do(api(t, store), httpapitest.Request{Method: "GET", Path: status, Caller: caller})
	if len(store.filters) < 2 {
		t.Fatalf("got %d queries, want several pages", len(store.filters))
	}
	for _, filter := range store.filters {
		if filter.UserID != "u" {
			t.Errorf("got a query for %q", filter.UserID)
		}
	}
}

// pieces counts writes and flushes.
type pieces struct {
	header          http.Header
	status          int
	writes, flushes int
	bytes, largest  int
}

func (p *pieces) Header() http.Header { return p.header }
func (p *pieces) WriteHeader(s int)   { p.status = s }
func (p *pieces) Flush()              { p.flushes++ }
func (p *pieces) Write(b []byte) (int, error) {
	p.writes++
	p.bytes += len(b)
	p.largest = max(p.largest, len(b))
	return len(b), nil
}

func TestLongListsAreFlushedInPieces(t *testing.T) {
	t.Parallel()
	store := &fakeStore{jobs: 2000, parameters: noParameters}
	w := &pieces{header: http.Header{}}
	api(t, store).ServeHTTP(w, httpapitest.NewRequest(httpapitest.Request{Method: "GET", Path: status, Caller: caller}))
	if w.header.Get("Content-Length") != "" || w.flushes < w.bytes/(2*httpapi.FlushSize) || w.flushes < 2 {
		t.Errorf("got %d bytes in %d writes with %d flushes, Content-Length %q", w.bytes, w.writes, w.flushes, w.header.Get("Content-Length"))
	}
	if w.largest > 3*httpapi.FlushSize {
		t.Errorf("got a piece of %d bytes", w.largest)
	}
}

// Frames of this module between net/http and the first job, without those of the store. A
// deep stack makes every panic, profile and debugging session harder to read.
func TestStackDepthAtTheFirstJob(t *testing.T) {
	t.Parallel()
	depth := map[string]int{}
	store := &fakeStore{jobs: 1, parameters: noParameters}
	store.each = func() {
		callers := make([]uintptr, 256)
		frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			for _, name := range []string{"httpapi", "jobstatus"} {
				if strings.HasPrefix(f.Function, "reporting/internal/") && strings.Contains(f.Function, "/"+name+".") {
					depth[name]++
				}
			}
		}
	}
	httpapitest.Do(api(t, store), httpapitest.Request{Method: "GET", Path: status, Caller: caller})
	t.Logf("httpapi %d, jobstatus %d and the callback", depth["httpapi"], depth["jobstatus"])
	if depth["httpapi"] == 0 || depth["httpapi"] > 4 || depth["jobstatus"] == 0 || depth["jobstatus"] > 2 {
		t.Errorf("got %v, want at most 4 frames of httpapi and 2 of jobstatus", depth)
	}
}
