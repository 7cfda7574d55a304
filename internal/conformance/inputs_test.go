// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

// withInput makes a status request with inputs: a list of parameters, which begins with {,
// in the body; any other text in the query of the URL.
func withInput(user, input string) request {
	if strings.HasPrefix(input, "{") || input == "" {
		r := status(user)
		r.body = `{"resourceType":"Parameters","parameter":[` + input + `]}`
		return r
	}
	return request{method: "GET", path: operation + "?" + input, user: user}
}

// loadOneOfEachStatus loads a job in each status, a second apart, the first one newest, and
// returns their ids.
func loadOneOfEachStatus(t *testing.T, server target, user string) []string {
	t.Helper()
	var ids []string
	for i, state := range report.Statuses() {
		job := queuedJob(user, noon.Add(-time.Duration(i)*time.Second))
		if job.Status = state; state == report.Running || state.Final() {
			job.Started = noon
		}
		if state.Final() {
			job.Ended = noon
		}
		server.load(t, job)
		ids = append(ids, job.ID.String())
	}
	return ids
}

func (a response) ids(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, e := range a.entries(t) {
		list = append(list, e.FullURL)
	}
	return list
}

func TestW18_StatusFiltersJobs(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	ids := loadOneOfEachStatus(t, server, user) // SCHEDULED, QUEUED, RUNNING, DONE, FAILED, CANCELLED
	for input, want := range map[string][]string{
		"":                                       ids,
		"status=DONE":                            ids[3:4],
		"status=DONE&status=DONE":                ids[3:4],
		"status=FAILED&status=QUEUED":            {ids[1], ids[4]},
		`{"name":"status","valueCode":"DONE"}`:   ids[3:4],
		`{"name":"status","valueString":"DONE"}`: ids[3:4],
		`{"name":"status","valueCode":"RUNNING"},{"name":"other"},{"name":"status","valueCode":"CANCELLED"}`: {ids[2], ids[5]},
	} {
		if diff := cmp.Diff(want, server.do(t, withInput(user, input)).ids(t)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", input, diff)
		}
	}
	for _, input := range []string{
		"status=done", "status=", "status=DONE,FAILED", "status=DONE&status=GONE",
		`{"name":"status","valueCode":"NOPE"}`,
	} {
		issue := server.do(t, withInput(user, input)).isOutcome(t, http.StatusBadRequest, models.IssueTypeCodeInvalid)
		if !strings.Contains(*issue.Diagnostics, `"status"`) || !strings.Contains(*issue.Diagnostics, "SCHEDULED") {
			t.Errorf("%s: %s", input, *issue.Diagnostics)
		}
		if inBody := strings.HasPrefix(input, "{"); inBody != (len(issue.Expression) == 1 && issue.Expression[0] == "Parameters.parameter[0].value") {
			t.Errorf("%s: expression %v", input, issue.Expression)
		}
	}
}

func TestW19_SinceAndCountLimitTheList(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	ids := loadOneOfEachStatus(t, server, user)
	for input, want := range map[string][]string{
		"since=2026-03-01T12:00:00Z":        ids[:1],
		"since=2026-03-01T11:59:59%2B00:00": ids[:2],
		"since=2026-03-01T12:59:58+01:00":   ids[:3], // an unescaped plus
		"since=2026-03-01T11:59:58.001Z":    ids[:2],
		"since=2026-03-01":                  ids,
		"since=2026-03":                     ids,
		"since=2027":                        nil,
		`{"name":"since","valueInstant":"2026-03-01T11:59:58.000+00:00"}`: ids[:3],
		`{"name":"since","valueDateTime":"2026-03-01T11:59:58Z"}`:         ids[:3],
		`{"name":"since","valueDate":"2026-03-02"}`:                       nil,

		"_count=2": ids[:2],
		// HAPI sends a NumberParam as a string.
		"_count=2147483647":                                                            ids,
		`{"name":"_count","valueInteger":1}`:                                           ids[:1],
		`{"name":"_count","valueString":"3"}`:                                          ids[:3],
		`{"name":"since","valueString":"2026-03-01T11:59:58Z"}`:                        ids[:3],
		`{"name":"_count","valuePositiveInt":4}`:                                       ids[:4],
		"_count=1&since=2026-03-01&status=FAILED&status=DONE":                          ids[3:4],
		`{"name":"_count","valueInteger":1},{"name":"status","valueCode":"CANCELLED"}`: ids[5:],
	} {
		if diff := cmp.Diff(want, server.do(t, withInput(user, input)).ids(t)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", input, diff)
		}
	}
	for input, name := range map[string]string{
		"since=yesterday":                   "since",
		"since=":                            "since",
		"since=2026-13-01":                  "since",
		"since=2026-03-01T12:00Z":           "since", // FHIR requires seconds
		"since=2026-03-01T12:00:00":         "since", // and a zone
		"since=2026-03-01&since=2026-03-02": "since",
		"_count=0":                          "_count",
		"_count=-1":                         "_count",
		"_count=1.5":                        "_count",
		"_count=2147483648":                 "_count",
		"_count=x":                          "_count",
		`{"name":"since","valueDateTime":"yesterday"}`:                          "since",
		`{"name":"since","valueBoolean":true}`:                                  "since",
		`{"name":"_count","valueInteger":0}`:                                    "_count",
		`{"name":"_count","valueString":"1.0"}`:                                 "_count",
		`{"name":"_count","valueInteger":1},{"name":"_count","valueInteger":1}`: "_count",
	} {
		issue := server.do(t, withInput(user, input)).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
		if !strings.Contains(*issue.Diagnostics, fmt.Sprintf("%q", name)) {
			t.Errorf("%s: %s", input, *issue.Diagnostics)
		}
	}
	// An input without a value, and a modifier extension, which might negate the input.
	server.do(t, withInput(user, `{"name":"since"}`)).isOutcome(t, http.StatusBadRequest, models.IssueTypeRequired)
	modified := `{"name":"status","valueCode":"DONE","modifierExtension":[{"url":"http://x.example/not","valueBoolean":true}]}`
	server.do(t, withInput(user, modified)).isOutcome(t, http.StatusBadRequest, models.IssueTypeExtension)
	// Every fault has its own issue.
	if issues := server.do(t, withInput(user, "status=x&since=y&_count=z")).hasIssues(t, http.StatusBadRequest); len(issues) != 3 {
		t.Errorf("got %d issues for three faults, want 3", len(issues))
	}
}

// Unknown inputs are ignored, unless the client asks for strict handling.
func TestW18_StrictHandlingRejectsUnknownInputs(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	for _, input := range []string{"foo=1&_format=json&_pretty=false&_summary=true&_elements=x", `{"name":"foo","valueString":"x"}`} {
		if a := server.do(t, withInput(user, input)); a.status != http.StatusOK {
			t.Errorf("%s: got status %d", input, a.status)
		}
		strict := withInput(user, input).with("Prefer", "handling=strict")
		issue := server.do(t, strict).isOutcome(t, http.StatusBadRequest, models.IssueTypeNotSupported)
		if !strings.Contains(*issue.Diagnostics, `"foo"`) {
			t.Errorf("%s: %s", input, *issue.Diagnostics)
		}
	}
	if a := server.do(t, withInput(user, "status=DONE&_format=json").with("Prefer", "handling=strict")); a.status != http.StatusOK {
		t.Errorf("known parameters: got status %d, %s", a.status, a.body)
	}
	for input, want := range map[string]int{"foo=1&bar=2": 2, "foo=1&since=2026&since=2027": 2} {
		if issues := server.do(t, withInput(user, input).with("Prefer", "handling=strict")).hasIssues(t, http.StatusBadRequest); len(issues) != want {
			t.Errorf("%s: got %d issues, want %d", input, len(issues), want)
		}
	}
	server.do(t, withInput(user, "status=%zz")).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	// Inputs in the URL apply to a POST with a body too.
	both := status(user)
	both.path += "?status=nonsense"
	server.do(t, both).isOutcome(t, http.StatusBadRequest, models.IssueTypeCodeInvalid)
}
