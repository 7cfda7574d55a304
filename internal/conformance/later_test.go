// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

// isInformation checks an OperationOutcome that reports no fault, and returns its issue.
func (a response) isInformation(t testing.TB, status int) models.OperationOutcomeIssue {
	t.Helper()
	outcome, err := models.UnmarshalOperationOutcome(a.body)
	if a.status != status || err != nil || len(outcome.Issue) != 1 || *outcome.Id != a.header.Get("X-Request-Id") ||
		outcome.Issue[0].Severity != models.IssueSeverityInformation || outcome.Issue[0].Code != models.IssueTypeInformational {
		t.Fatalf("got status %d, want %d and an informational issue: %v %s", a.status, status, err, a.body)
	}
	return outcome.Issue[0]
}

// async places an order with respond-async, and returns the path of its job.
func (s target) async(t testing.TB, r request) (path string) {
	t.Helper()
	a := s.do(t, r.with("Prefer", "respond-async"))
	a.isInformation(t, http.StatusAccepted)
	path, ok := strings.CutPrefix(a.header.Get("Content-Location"), s.public(t))
	if !ok || !strings.HasPrefix(path, "/report-jobs/") || a.header.Get("Location") != "" || a.header.Get("Preference-Applied") != "respond-async" {
		t.Fatalf("got headers %v", a.header)
	}
	return path
}

func TestW135_RespondAsyncIsPolled(t *testing.T) {
	t.Parallel()
	server, user := reports(t, demoSlow), newUser()
	path := server.async(t, order("execute", demoSlow, user, withSeconds("1")))
	if job := server.job(t, user); path != "/report-jobs/"+job.FullURL {
		t.Errorf("got path %s, want the path of job %s", path, job.FullURL)
	}
	waited := 0
	var last response
	server.eventually(t, "the result", func() bool {
		last = server.do(t, get(user, path))
		if last.status != http.StatusAccepted {
			return true
		}
		waited++
		last.isInformation(t, http.StatusAccepted)
		if last.header.Get("X-Progress") == "" || last.header.Get("Retry-After") == "" || !strings.HasSuffix(last.header.Get("Content-Location"), path) {
			t.Fatalf("got headers %v", last.header)
		}
		return false
	})
	b := last.binary(t)
	if waited == 0 || b.Meta.VersionID != "2" || last.header.Get("Content-Location") != server.public(t)+b.path()+"/_history/2" || last.header.Get("Etag") != `W/"2"` {
		t.Errorf("got 202 %d times, then headers %v; want 202 and then the result", waited, last.header)
	}
	unzip(t, b.bytes(t))
	raw := server.do(t, get(user, path).withoutAccept())
	if raw.header.Get("Content-Type") != zipType || string(raw.body) != string(b.bytes(t)) {
		t.Errorf("bytes: got status %d, %v", raw.status, raw.header)
	}
	// The path requires the role of the report and the role of Binaries.
	server.do(t, get(user, path).as("$fetch-*", "Binary.*")).binary(t)
	for _, roles := range [][]string{{"Binary.read"}, {"$fetch-*"}} {
		for _, r := range []request{get(user, path), get(user, path).by("DELETE")} {
			server.do(t, r.as(roles...)).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
		}
	}

	server.do(t, get(user, path).by("DELETE")).isInformation(t, http.StatusAccepted)
	server.do(t, get(user, path)).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)
	server.do(t, get(user, b.path())).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)
}

func TestW136_JobsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	server, user := reports(t, demoFailing), newUser()
	path := server.async(t, order("schedule", usageStats, user, anonymous))
	for _, r := range []request{
		get(newUser(), path), get(user, "/report-jobs/"+uuid.NewString()), get(user, "/report-jobs/x"), get(newUser(), path).by("DELETE"),
	} {
		server.do(t, r).isOutcome(t, http.StatusNotFound, models.IssueTypeNotFound)
	}
	a := server.do(t, get(user, path).by("POST"))
	a.isOutcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
	if a.header.Get("Allow") != "GET, DELETE, OPTIONS" {
		t.Errorf("got Allow %q", a.header.Get("Allow"))
	}
	server.do(t, get(user, path).by("DELETE")).isInformation(t, http.StatusAccepted)
	server.waitForEnd(t, user, report.Cancelled)
	server.do(t, get(user, path)).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)
	server.do(t, get(user, path).by("DELETE")).isInformation(t, http.StatusAccepted)

	failing := newUser()
	path = server.async(t, order("execute", demoFailing, failing, withSeconds("0")))
	server.waitForEnd(t, failing, report.Failed)
	server.do(t, get(failing, path)).hasCode(t, http.StatusInternalServerError, models.IssueTypeException, "REPORTING_REPORT_GENERATION_FAILED")
}

func TestW137_FailedJobHasAnOutcomeOnRequest(t *testing.T) {
	t.Parallel()
	server, user := reports(t, demoFailing), newUser()
	b := server.placeOrder(t, order("execute", demoFailing, user, withSeconds("0")))
	job := server.waitForEnd(t, user, report.Failed)
	var outcome models.OperationOutcome
	if err := json.Unmarshal(job.part("outcome").Resource, &outcome); err != nil {
		t.Fatal(err)
	}
	issue := outcome.Issue[0]
	if issue.Severity != models.IssueSeverityError || issue.Code != models.IssueTypeException ||
		*issue.Details.Coding[0].Code != "REPORTING_REPORT_GENERATION_FAILED" ||
		!strings.HasPrefix(*issue.Diagnostics, "Report generation has failed: ") || leak.MatchString(*issue.Diagnostics) {
		t.Errorf("%s", job.part("outcome").Resource)
	}
	for _, r := range []request{status(user), status(user)} {
		if e := server.do(t, r).entries(t)[0]; e.part("outcome") != nil || e.part("binary") == nil {
			t.Errorf("without outcome=true: %+v", e)
		}
	}
	body := status(user)
	body.body = `{"resourceType":"Parameters","parameter":[{"name":"outcome","valueBoolean":true}]}`
	if server.do(t, body).entries(t)[0].part("outcome") == nil {
		t.Error("outcome in the body: no part outcome")
	}
	wrong := status(user)
	wrong.path += "?outcome=perhaps"
	server.do(t, wrong).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	// The Binary stays at the placeholder.
	if left := server.do(t, get(user, b.path())).binary(t); left.Meta.VersionID != "1" || left.Data != placeholder {
		t.Errorf("got %+v", left)
	}
	fine := newUser()
	server.makeReport(t, fine)
	if server.job(t, fine).part("outcome") != nil {
		t.Error("a job that is done has an outcome")
	}
}
