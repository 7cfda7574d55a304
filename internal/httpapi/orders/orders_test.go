// SPDX-License-Identifier: Apache-2.0

package orders_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi/httpapitest"
	"reporting/internal/httpapi/orders"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

// fakeStore takes orders, and returns one state and one error.
type fakeStore struct {
	report.Binaries

	state     report.JobState
	err       error
	orders    []report.Order
	cancelled int
}

var job = report.JobID{1, 2, 3}

func (s *fakeStore) Submit(_ context.Context, order report.Order) (report.Submission, error) {
	if s.err != nil {
		return report.Submission{}, s.err
	}
	s.orders = append(s.orders, order)
	return report.Submission{JobID: job, Binary: report.Binary{
		ID: 7, Version: 1, UserID: order.UserID, ContentType: report.PlaceholderType, LastUpdated: httpapitest.Now(),
	}}, nil
}

func (s *fakeStore) State(_ context.Context, userID string, id report.JobID) (report.JobState, error) {
	if userID != "u" || id != job {
		return report.JobState{}, &report.Error{Kind: report.NotFound}
	}
	return s.state, s.err
}

func (s *fakeStore) Cancel(context.Context, string, report.JobID) error {
	s.cancelled++
	return nil
}

func (s *fakeStore) Binary(_ context.Context, key report.BinaryKey) (report.Binary, error) {
	return report.Binary{ID: key.ID, Version: 2, UserID: key.UserID, ContentType: "application/zip", LastUpdated: httpapitest.Now(), Size: 2}, nil
}

func (s *fakeStore) Piece(_ context.Context, _ report.BinaryKey, _ int, buffer []byte) ([]byte, error) {
	return append(buffer, "PK"...), nil
}

// api has one report with a mandatory parameter and two exclusive ones.
func api(t *testing.T, store *fakeStore, generate catalog.Generator, modes ...catalog.Mode) http.Handler {
	t.Helper()
	list := []catalog.Report{{
		Name: "sample", Class: "org.example.Sample", ReportName: "Sample", Role: "sampler", Modes: modes, Generate: generate,
		Titles: map[catalog.Mode]string{catalog.Fetch: "Fetch", catalog.Execute: "Execute", catalog.Schedule: "Schedule"},
		Parameters: []fhir.OperationParameter{
			{Name: "unit", Min: 1, Max: "1", Type: "string"}, {Name: "plan", Max: "1", Type: "string"}, {Name: "team", Max: "1", Type: "string"},
		},
		Exclusive: [][2]string{{"plan", "team"}},
	}}
	operations, routes := orders.Operations(orders.Options{
		Reports: list, Orders: store, Binaries: store, Base: httpapitest.Base, Now: httpapitest.Now,
		Night: report.DailyTime{Hour: 2, Zone: time.UTC}, Fetching: orders.Fetching{AtOnce: 1, Timeout: time.Minute},
	})
	return httpapitest.New(t, operations, routes)
}

func parameters(pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, `{"name":"`+pairs[i]+`","valueString":"`+pairs[i+1]+`"}`)
	}
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(list, ",") + `]}`
}

var (
	sampler = auth.Principal{UserID: "u", Roles: []string{"sampler", "Binary.read"}}
	valid   = parameters("unit", "a", "anonymization", "ANONYMIZED")
)

func TestOrderResponses(t *testing.T) {
	t.Parallel()
	version := httpapitest.Base + "/Binary/7/_history/1"
	for name, c := range map[string]struct {
		operation string
		err       error // of the store
		caller    auth.Principal
		header    map[string]string
		body      string
		status    int
		want      map[string]string // headers
		contains  string
		orders    int
	}{
		"no token": {operation: "execute", body: valid, status: 401},
		"no role":  {operation: "execute", caller: auth.Principal{UserID: "u"}, body: valid, status: 403, contains: "sampler"},
		"execute": {
			operation: "execute", caller: sampler, body: valid, status: 200, contains: `"resourceType":"Binary"`, orders: 1,
			want: map[string]string{"Location": version, "Content-Location": version, "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"},
		},
		"schedule": {operation: "schedule", caller: sampler, body: valid, status: 200, orders: 1, want: map[string]string{"Location": version}},
		"respond-async": {
			operation: "execute", caller: sampler, body: valid, header: map[string]string{"Prefer": "respond-async"}, status: 202, contains: "OperationOutcome", orders: 1,
			want: map[string]string{"Content-Location": httpapitest.Base + "/report-jobs/" + job.String(), "Preference-Applied": "respond-async", "Location": ""},
		},
		"a mode that is not allowed": {operation: "fetch", caller: sampler, body: valid, status: 422, contains: "REPORTING_SYNCHRONOUS_GENERATION_NOT_ALLOWED"},
		"a missing parameter":        {operation: "execute", caller: sampler, body: parameters("plan", "a"), status: 422, contains: "REPORTING_MISSING_INPUT_PARAMETER"},
		"exclusive parameters":       {operation: "execute", caller: sampler, body: parameters("unit", "a", "plan", "a", "team", "a"), status: 422, contains: "REPORTING_MUTUALLY_EXCLUSIVE_INPUT_PARAMETER"},
		"an unknown anonymization":   {operation: "execute", caller: sampler, body: parameters("unit", "a", "anonymization", "x"), status: 400, contains: "Expected None or ANONYMIZED"},
		"not anonymized, no role":    {operation: "execute", caller: sampler, body: parameters("unit", "a", "anonymization", "None"), status: 403, contains: catalog.NonAnonymizedRole},
		"a user_id that is too long": {operation: "execute", caller: auth.Principal{UserID: strings.Repeat("u", 513), Roles: sampler.Roles}, body: valid, status: 403, contains: "512"},
		"a user_id that XML lacks":   {operation: "execute", caller: auth.Principal{UserID: "a\u0001", Roles: sampler.Roles}, header: map[string]string{"Accept": "application/fhir+xml"}, body: valid, status: 406},
		"too many unfinished jobs":   {operation: "execute", caller: sampler, err: &report.Error{Kind: report.LimitExceeded}, body: valid, status: 429, want: map[string]string{"Retry-After": "30"}},
		"a database that is down":    {operation: "execute", caller: sampler, err: &report.Error{Kind: report.Unavailable}, body: valid, status: 503, want: map[string]string{"Retry-After": "1"}},
		"an error of the store":      {operation: "execute", caller: sampler, err: errors.New("secret"), body: valid, status: 500},
		"a body that is not FHIR":    {operation: "execute", caller: sampler, body: "{}", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeStore{err: c.err}
			w := httpapitest.Do(api(t, store, nil, catalog.Execute, catalog.Schedule),
				httpapitest.Request{Method: "POST", Path: "/$" + c.operation + "-sample", Caller: c.caller, Header: c.header, Body: c.body})
			check(t, w.Code, w.Header(), w.Body.String(), c.status, c.want, c.contains)
			if len(store.orders) != c.orders {
				t.Fatalf("got %d orders, want %d", len(store.orders), c.orders)
			}
			for _, order := range store.orders {
				if order.UserID != "u" || order.ReportClass != "org.example.Sample" || string(order.Parameters) != c.body || order.Source != w.Header().Get("X-Request-Id") {
					t.Errorf("got order %+v", order)
				}
				if night := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC); (c.operation == "schedule") != order.Due.Equal(night) {
					t.Errorf("got due %s", order.Due)
				}
			}
		})
	}
}

func check(t *testing.T, status int, header http.Header, body string, want int, headers map[string]string, contains string) {
	t.Helper()
	if status != want || !strings.Contains(body, contains) || strings.Contains(body, "secret") {
		t.Errorf("got %d: %.300s", status, body)
	}
	for name, want := range headers {
		if got := header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
}

func TestFetchResponses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error // of the generator
		status   int
		contains string
	}{
		"a report":              {nil, 200, `"contentType":"application/gzip-json"`},
		"a failure with reason": {&report.Failure{Reason: "The source is down"}, 500, "The source is down"},
		"a failure without":     {errors.New("secret"), 500, "OperationOutcome"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := api(t, &fakeStore{}, func(context.Context, catalog.Task, catalog.Output) error { return c.err }, catalog.Fetch)
			w := httpapitest.Do(handler, httpapitest.Request{Method: "POST", Path: "/$fetch-sample", Caller: sampler, Body: valid})
			check(t, w.Code, w.Header(), w.Body.String(), c.status, nil, c.contains)
		})
	}
}

func TestFetchIsRefusedWhileTheSlotIsTaken(t *testing.T) {
	t.Parallel()
	started, finish := make(chan struct{}), make(chan struct{})
	handler := api(t, &fakeStore{}, func(context.Context, catalog.Task, catalog.Output) error {
		close(started)
		<-finish
		return nil
	}, catalog.Fetch)
	request := httpapitest.Request{Method: "POST", Path: "/$fetch-sample", Caller: sampler, Body: valid}
	first := make(chan int)
	go func() { first <- httpapitest.Do(handler, request).Code }()
	<-started
	w := httpapitest.Do(handler, request)
	check(t, w.Code, w.Header(), w.Body.String(), 503, map[string]string{"Retry-After": "5"}, "$execute-sample")
	close(finish)
	if status := <-first; status != 200 {
		t.Errorf("the first got %d", status)
	}
}

func TestAsyncStatusResponses(t *testing.T) {
	t.Parallel()
	const class = "org.example.Sample"
	path := "/report-jobs/" + job.String()
	for name, c := range map[string]struct {
		method, path string
		state        report.JobState
		caller       auth.Principal
		status       int
		want         map[string]string
		contains     string
		cancelled    int
	}{
		"an id that is no UUID": {method: "GET", path: "/report-jobs/x", caller: sampler, status: 404},
		"another user":          {method: "GET", path: path, caller: auth.Principal{UserID: "v", Roles: sampler.Roles}, status: 404},
		"no role":               {method: "GET", path: path, state: report.JobState{ReportClass: class, Status: report.Queued}, caller: auth.Principal{UserID: "u"}, status: 403},
		"scheduled": {
			method: "GET", path: path, caller: sampler, status: 202, want: map[string]string{"Retry-After": "600", "Content-Location": httpapitest.Base + path},
			state: report.JobState{ReportClass: class, Status: report.Scheduled, Due: httpapitest.Now().Add(10 * time.Minute)},
		},
		"scheduled for a far time": {
			method: "GET", path: path, caller: sampler, status: 202, want: map[string]string{"Retry-After": "3600"},
			state: report.JobState{ReportClass: class, Status: report.Scheduled, Due: httpapitest.Now().Add(10 * time.Hour)},
		},
		"running": {
			method: "GET", path: path, caller: sampler, status: 202, want: map[string]string{"Retry-After": "5", "X-Progress": "page 3"},
			state: report.JobState{ReportClass: class, Status: report.Running, Progress: "page 3"},
		},
		"failed":               {method: "GET", path: path, caller: sampler, status: 500, contains: "no data", state: report.JobState{ReportClass: class, Status: report.Failed, FailureReason: "no data"}},
		"done":                 {method: "GET", path: path, caller: sampler, status: 200, contains: "PK", state: report.JobState{ReportClass: class, Status: report.Done, BinaryID: 7}, want: map[string]string{"Etag": `W/"2"`}},
		"done, no Binary.read": {method: "GET", path: path, caller: auth.Principal{UserID: "u", Roles: []string{"sampler"}}, status: 403, state: report.JobState{ReportClass: class, Status: report.Done, BinaryID: 7}},
		"done and deleted":     {method: "GET", path: path, caller: sampler, status: 410, state: report.JobState{ReportClass: class, Status: report.Done}},
		"cancelled":            {method: "GET", path: path, caller: sampler, status: 410, state: report.JobState{ReportClass: class, Status: report.Cancelled}},
		"cancel":               {method: "DELETE", path: path, caller: sampler, status: 202, state: report.JobState{ReportClass: class, Status: report.Queued}, cancelled: 1},
		"cancel, no role":      {method: "DELETE", path: path, caller: auth.Principal{UserID: "u"}, status: 403, state: report.JobState{ReportClass: class, Status: report.Queued}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeStore{state: c.state}
			w := httpapitest.Do(api(t, store, nil, catalog.Execute), httpapitest.Request{Method: c.method, Path: c.path, Caller: c.caller})
			check(t, w.Code, w.Header(), w.Body.String(), c.status, c.want, c.contains)
			if store.cancelled != c.cancelled {
				t.Errorf("got %d jobs cancelled, want %d", store.cancelled, c.cancelled)
			}
		})
	}
}
