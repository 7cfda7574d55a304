// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

func TestW147_BinariesNeedTheirRole(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.placeOrder(t, order("schedule", usageStats, user, anonymous))
	for _, r := range []request{get(user, b.path()), get(user, b.path()+"/_history/1"), get(user, b.path()).by("DELETE")} {
		for _, roles := range [][]string{nil, {"$fetch-*"}, {"binary.read"}, {"Binary.write"}, {"Binary"}, {"*"}} {
			issue := server.do(t, r.as(roles...)).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
			if !strings.HasPrefix(*issue.Diagnostics, "Insufficient permission for Binary for PRACTITIONER.") {
				t.Errorf("got diagnostics %q", *issue.Diagnostics)
			}
		}
		if r.method == http.MethodGet {
			for _, role := range []string{"Binary.read", "Binary.*", "B*"} {
				server.do(t, r.as(role)).binary(t)
			}
		}
		server.do(t, r.withoutToken()).isOutcome(t, http.StatusUnauthorized, models.IssueTypeLogin)
	}
	server.do(t, get(user, b.path()).by("DELETE").as("Binary.*")).isInformation(t, http.StatusOK)
}

// withoutToken returns the request without a token.
func (r request) withoutToken() request {
	r.user = ""
	return r
}

func TestW148_BinariesOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	stranger := func(r request) request {
		r.user = user + "x"
		return r
	}
	for _, r := range []request{
		stranger(get(user, b.path())), stranger(get(user, b.path()).withoutAccept()), stranger(get(user, b.path()+"/_history/1")),
		stranger(get(user, b.path()).by("DELETE")), stranger(get(user, b.path()).with("If-None-Match", "*")),
		get(user, "/Binary/999999999"), get(user, "/Binary/x"), get(user, "/Binary/0"), get(user, "/Binary/-1"), get(user, "/Binary/99999999999999999999"),
		get(user, "/Binary/999999999").by("DELETE"),
	} {
		issue := server.do(t, r).hasCode(t, http.StatusNotFound, models.IssueTypeNotFound, "GENERAL_RESOURCE_NOT_FOUND")
		id := strings.Replace(strings.TrimPrefix(r.path, "/Binary/"), "/_history/", " and version ", 1)
		if want := "Resource Binary with id " + id + " is not found."; *issue.Diagnostics != want {
			t.Errorf("got diagnostics %q, want %q", *issue.Diagnostics, want)
		}
	}
	server.do(t, get(user, b.path())).binary(t)
	// An operation on the type is not a Binary with that id.
	server.do(t, get(user, "/Binary/$execute-patient-usage-stats").by("POST")).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	for _, method := range []string{"POST", "PUT", "PATCH"} {
		a := server.do(t, get(user, b.path()).by(method))
		a.isOutcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
		if a.header.Get("Allow") != "GET, HEAD, DELETE, OPTIONS" {
			t.Errorf("got Allow %q", a.header.Get("Allow"))
		}
	}
	for _, path := range []string{"/Binary", "/Binary/_search", "/Binary?_id=" + b.ID, b.path() + "/_history"} {
		r := get(user, path)
		if path == "/Binary/_search" {
			server.do(t, r).hasIssues(t, http.StatusNotFound) // read as an id
			continue
		}
		server.do(t, r).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	}
}

func TestW149_DeletedBinaryIsGone(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	before := server.job(t, user)
	for range 2 { // a second delete succeeds too
		issue := server.do(t, get(user, b.path()).by("DELETE")).isInformation(t, http.StatusOK)
		coding := issue.Details.Coding[0]
		if *coding.Code != "SUCCESSFUL_DELETE" || *coding.Display != "Delete succeeded." ||
			*coding.System != "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code" ||
			!strings.HasPrefix(*issue.Diagnostics, "Successfully deleted 1 resource(s). Took ") {
			t.Errorf("got %+v", issue)
		}
	}
	for _, r := range []request{
		get(user, b.path()), get(user, b.path()).withoutAccept(), get(user, b.path()+"/_history/1"), get(user, b.path()+"/_history/2"),
	} {
		issue := server.do(t, r).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)
		if *issue.Diagnostics != "Resource Binary with id "+b.ID+" was deleted." {
			t.Errorf("got diagnostics %q", *issue.Diagnostics)
		}
	}
	server.do(t, get(newUser(), b.path())).isOutcome(t, http.StatusNotFound, models.IssueTypeNotFound)
	// The job does not change.
	if diff := cmp.Diff(before, server.job(t, user)); diff != "" {
		t.Errorf("job of a deleted result (-before +after)\n%s", diff)
	}
	if head := server.do(t, get(user, b.path()).by("HEAD")); head.status != http.StatusGone {
		t.Errorf("HEAD: got status %d", head.status)
	}
}

func TestW150_DeleteCancelsAnUnfinishedJob(t *testing.T) {
	t.Parallel()
	server, user := reports(t, demoSlow), newUser()
	waiting := server.placeOrder(t, order("schedule", usageStats, user, anonymous))
	server.do(t, get(user, waiting.path()).by("DELETE")).isInformation(t, http.StatusOK)
	job := server.waitForEnd(t, user, report.Cancelled)
	if job.part("ended") == nil || job.part("started") != nil {
		t.Errorf("got %+v", job)
	}
	server.do(t, get(user, waiting.path())).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)

	user = newUser()
	running := server.placeOrder(t, order("execute", demoSlow, user, withSeconds("600")))
	server.eventually(t, "a worker", func() bool { return server.job(t, user).part("status").ValueString == string(report.Running) })
	server.do(t, get(user, running.path()).by("DELETE")).isInformation(t, http.StatusOK)
	server.waitForEnd(t, user, report.Cancelled)
	server.do(t, get(user, running.path())).isOutcome(t, http.StatusGone, models.IssueTypeDeleted)
	// The worker is free long before the ten minutes of that report.
	other := newUser()
	server.makeReport(t, other)
}
