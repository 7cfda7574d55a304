// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/report"
)

const (
	operation = "/$get-report-job-status"
	fhirJSON  = "application/fhir+json"
	emptyList = `{"resourceType":"Bundle","type":"collection"}`
)

// request is an HTTP request; it has no header, token or body for a zero value.
type request struct {
	method, path, user, body string
	roles                    []string
	header                   map[string]string
}

// status makes the published status request for a user.
func status(user string) request {
	return request{
		method: "POST", path: operation, user: user, body: `{"resourceType":"Parameters"}`,
		header: map[string]string{"Content-Type": fhirJSON},
	}
}

func (r request) with(name, value string) request {
	header := map[string]string{name: value}
	for k, v := range r.header {
		if _, set := header[k]; !set {
			header[k] = v
		}
	}
	r.header = header
	return r
}

type response struct {
	status int
	header http.Header
	body   []byte
}

// client neither follows redirects nor decompresses, so that a test sees the response as sent.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

func token(user string, roles ...string) string {
	return auth.UnsignedToken(auth.Principal{UserID: user, Roles: roles, UserType: "PRACTITIONER"}, time.Time{})
}

func (s target) build(t testing.TB, r request) *http.Request {
	t.Helper()
	var body io.Reader = http.NoBody
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, s.base+r.path, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.user != "" {
		req.Header.Set("Authorization", "Bearer "+token(r.user, r.roles...))
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req
}

func (s target) do(t testing.TB, r request) response {
	t.Helper()
	a, err := send(s.build(t, r))
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	s.matchesOpenAPI(t, r, a)
	return a
}

func send(req *http.Request) (response, error) {
	res, err := client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return response{status: res.StatusCode, header: res.Header, body: body}, err
}

// dial opens a connection for requests that an HTTP client does not send. It ends with
// the test.
func (s target) dial(t testing.TB) net.Conn {
	t.Helper()
	base, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", base.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// entries checks a status response and returns its entries.
func (a response) entries(t testing.TB) []entry {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	var bundle struct {
		ResourceType, Type string
		Entry              []entry
	}
	if err := json.Unmarshal(a.body, &bundle); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if bundle.ResourceType != "Bundle" || bundle.Type != "collection" {
		t.Fatalf("not a collection Bundle: %.200s", a.body)
	}
	return bundle.Entry
}

type entry struct {
	FullURL  string
	Resource struct {
		ResourceType, ID string
		Parameter        []struct {
			Name string
			Part []part
		}
	}
}

type part struct {
	Name                       string
	ValueString, ValueDateTime string
	ValueReference             struct{ Reference string }
	Resource                   json.RawMessage
}

// part returns a part of the entry's job, or nil.
func (e entry) part(name string) *part {
	for _, p := range e.Resource.Parameter[0].Part {
		if p.Name == name {
			return &p
		}
	}
	return nil
}

// leak matches text that must not reach a client: SQL, messages of Go, paths, tokens.
var leak = regexp.MustCompile(`(?i)select |sqlstate|pgx|report_job\b|panic|goroutine|\.go:|runtime error|/usr/|/tmp/|eyJ`)

// isOutcome checks an error response (W-108) with one issue, and returns the issue.
func (a response) isOutcome(t testing.TB, status int, code models.IssueType) models.OperationOutcomeIssue {
	t.Helper()
	issues := a.hasIssues(t, status)
	if len(issues) != 1 {
		t.Fatalf("got %d issues, want 1: %s", len(issues), a.body)
	}
	if issues[0].Code != code {
		t.Errorf("got issue code %s, want %s: %s", issues[0].Code.Code(), code.Code(), a.body)
	}
	return issues[0]
}

// hasIssues checks an error response and returns its issues.
func (a response) hasIssues(t testing.TB, status int) []models.OperationOutcomeIssue {
	t.Helper()
	if a.status != status {
		t.Fatalf("got status %d, want %d: %s", a.status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != labelJSON {
		t.Errorf("got Content-Type %q", got)
	}
	outcome, err := models.UnmarshalOperationOutcome(a.body)
	if err != nil || !strings.HasPrefix(string(a.body), `{"resourceType":"OperationOutcome"`) {
		t.Fatalf("no OperationOutcome: %v: %s", err, a.body)
	}
	if outcome.Id == nil || *outcome.Id != a.header.Get("X-Request-Id") {
		t.Errorf("got another id than X-Request-Id: %s", a.body)
	}
	if outcome.Text == nil || outcome.Text.Status != models.NarrativeStatusGenerated || outcome.Text.Div == "" {
		t.Errorf("no narrative: %s", a.body)
	}
	if len(outcome.Issue) == 0 {
		t.Fatalf("no issue: %s", a.body)
	}
	for _, issue := range outcome.Issue {
		if issue.Severity != models.IssueSeverityError {
			t.Errorf("got severity %s, want error: %s", issue.Severity.Code(), a.body)
		}
		if issue.Diagnostics == nil || *issue.Diagnostics == "" {
			t.Errorf("no diagnostics: %s", a.body)
		}
	}
	if found := leak.Find(a.body); found != nil {
		t.Errorf("got internal text %q: %s", found, a.body)
	}
	return outcome.Issue
}

// newUser returns a unique user id.
func newUser() string { return "conformance-" + uuid.NewString() }

// doneJob makes a finished job.
func doneJob(user string, created time.Time) report.Job {
	return report.Job{
		ID: report.JobID(uuid.New()), ReportClass: "com.example.Report", UserID: user, Status: report.Done,
		BinaryReference: "Binary/7", Parameters: []byte(`{"resourceType":"Parameters"}`),
		Created: created, Started: created, Ended: created.Add(time.Second),
	}
}

// queuedJob makes a queued job.
func queuedJob(user string, created time.Time) report.Job {
	job := doneJob(user, created)
	job.Status, job.BinaryReference, job.Started, job.Ended = report.Queued, "", time.Time{}, time.Time{}
	return job
}

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
