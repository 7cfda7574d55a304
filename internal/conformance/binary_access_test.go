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
	b := server.ordered(t, order("schedule", usageStats, user, anonymous))
	for _, r := range []request{get(user, b.path()), get(user, b.path()+"/_history/1"), get(user, b.path()).by("DELETE")} {
		for _, roles := range [][]string{nil, {"$fetch-*"}, {"binary.read"}, {"Binary.write"}, {"Binary"}, {"*"}} {
			issue := server.do(t, r.as(roles...)).coded(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
			if !strings.HasPrefix(*issue.Diagnostics, "Insufficient permission for Binary for PRACTITIONER.") {
				t.Errorf("%s", *issue.Diagnostics)
			}
		}
		if r.method == http.MethodGet {
			for _, role := range []string{"Binary.read", "Binary.*", "B*"} {
				server.do(t, r.as(role)).binary(t)
			}
		}
		server.do(t, r.anybody()).outcome(t, http.StatusUnauthorized, models.IssueTypeLogin)
	}
	server.do(t, get(user, b.path()).by("DELETE").as("Binary.*")).information(t, http.StatusOK)
}

// anybody shows no token.
func (r request) anybody() request {
	r.user = ""
	return r
}

func TestW148_BinariesOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.made(t, user)
	stranger := func(r request) request {
		r.user = user + "x"
		return r
	}
	for _, r := range []request{
		stranger(get(user, b.path())), stranger(get(user, b.path()).plain()), stranger(get(user, b.path()+"/_history/1")),
		stranger(get(user, b.path()).by("DELETE")), stranger(get(user, b.path()).with("If-None-Match", "*")),
		get(user, "/Binary/999999999"), get(user, "/Binary/x"), get(user, "/Binary/0"), get(user, "/Binary/-1"), get(user, "/Binary/99999999999999999999"),
		get(user, "/Binary/999999999").by("DELETE"),
	} {
		issue := server.do(t, r).coded(t, http.StatusNotFound, models.IssueTypeNotFound, "GENERAL_RESOURCE_NOT_FOUND")
		id := strings.Replace(strings.TrimPrefix(r.path, "/Binary/"), "/_history/", " and version ", 1)
		if want := "Resource Binary with id " + id + " is not found."; *issue.Diagnostics != want {
			t.Errorf("%s", *issue.Diagnostics)
		}
	}
	server.do(t, get(user, b.path())).binary(t)
	// What is called on a type is no Binary of that name.
	server.do(t, get(user, "/Binary/$execute-patient-usage-stats").by("POST")).outcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	for _, method := range []string{"POST", "PUT", "PATCH"} {
		a := server.do(t, get(user, b.path()).by(method))
		a.outcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
		if a.header.Get("Allow") != "GET, HEAD, DELETE, OPTIONS" {
			t.Errorf("Allow %q", a.header.Get("Allow"))
		}
	}
	for _, path := range []string{"/Binary", "/Binary/_search", "/Binary?_id=" + b.ID, b.path() + "/_history"} {
		r := get(user, path)
		if path == "/Binary/_search" {
			server.do(t, r).issues(t, http.StatusNotFound) // taken for an id
			continue
		}
		server.do(t, r).outcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	}
}

func TestW149_DeletedBinaryIsGone(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.made(t, user)
	before := server.job(t, user)
	for range 2 { // deleting what is deleted is no fault
		issue := server.do(t, get(user, b.path()).by("DELETE")).information(t, http.StatusOK)
		coding := issue.Details.Coding[0]
		if *coding.Code != "SUCCESSFUL_DELETE" || *coding.Display != "Delete succeeded." ||
			*coding.System != "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code" ||
			!strings.HasPrefix(*issue.Diagnostics, "Successfully deleted 1 resource(s). Took ") {
			t.Errorf("%+v", issue)
		}
	}
	for _, r := range []request{
		get(user, b.path()), get(user, b.path()).plain(), get(user, b.path()+"/_history/1"), get(user, b.path()+"/_history/2"),
	} {
		issue := server.do(t, r).outcome(t, http.StatusGone, models.IssueTypeDeleted)
		if *issue.Diagnostics != "Resource Binary with id "+b.ID+" was deleted." {
			t.Errorf("%s", *issue.Diagnostics)
		}
	}
	server.do(t, get(newUser(), b.path())).outcome(t, http.StatusNotFound, models.IssueTypeNotFound)
	// The job stays as it was.
	if diff := cmp.Diff(before, server.job(t, user)); diff != "" {
		t.Errorf("the job of a deleted result\n%s", diff)
	}
	if head := server.do(t, get(user, b.path()).by("HEAD")); head.status != http.StatusGone {
		t.Errorf("HEAD: %d", head.status)
	}
}

func TestW150_DeleteCancelsAnUnfinishedJob(t *testing.T) {
	t.Parallel()
	server, user := reports(t, demoSlow), newUser()
	waiting := server.ordered(t, order("schedule", usageStats, user, anonymous))
	server.do(t, get(user, waiting.path()).by("DELETE")).information(t, http.StatusOK)
	job := server.ended(t, user, report.Cancelled)
	if job.part("ended") == nil || job.part("started") != nil {
		t.Errorf("%+v", job)
	}
	server.do(t, get(user, waiting.path())).outcome(t, http.StatusGone, models.IssueTypeDeleted)

	user = newUser()
	running := server.ordered(t, order("execute", demoSlow, user, withSeconds("600")))
	server.becomes(t, "a worker", func() bool { return server.job(t, user).part("status").ValueString == string(report.Running) })
	server.do(t, get(user, running.path()).by("DELETE")).information(t, http.StatusOK)
	server.ended(t, user, report.Cancelled)
	server.do(t, get(user, running.path())).outcome(t, http.StatusGone, models.IssueTypeDeleted)
	// The worker is free again, long before it would have been.
	other := newUser()
	server.made(t, other)
}
