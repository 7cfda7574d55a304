// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/report"
)

// The report of the recorded exchanges, and the demo reports.
const (
	usageStats   = "patient-usage-stats"
	usageClass   = "com.systematic.ehealth.reporting.reports.PatientsUsageReport"
	demoSlow     = "demo-slow"
	demoFailing  = "demo-failing"
	placeholder  = "Kk5PVCBHRU5FUkFURUQgWUVUKg=="
	zipType      = "application/gzip-json"
	notAnonymous = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`
	anonymous    = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"ANONYMIZED"}]}`
)

// withSeconds makes a body for a demo report that takes so many seconds.
func withSeconds(text string) string {
	return strings.Replace(anonymous, "}]}", `},{"name":"seconds","valueInteger":`+text+`}]}`, 1)
}

// allRoles permit every operation.
var allRoles = []string{"report-non-anonymized", "$fetch-patient-usage-stats", "Binary.read"}

// reports returns the shared server, and skips the test when a remote server lacks a report.
func reports(t testing.TB, names ...string) target {
	t.Helper()
	server := shared(t)
	offered := server.operations(t)
	for _, name := range append(names, usageStats) {
		if !slices.Contains(offered, "execute-"+name) {
			if !isRemote() {
				t.Fatalf("the service does not offer the report %s", name)
			}
			t.Skipf("needs a server that makes the report %s", name)
		}
	}
	return server
}

// order makes a request for a report: mode is fetch, execute or schedule.
func order(mode, name, user, body string) request {
	return request{
		method: "POST", path: "/$" + mode + "-" + name, user: user, roles: allRoles, body: body,
		header: map[string]string{"Content-Type": fhirJSON, "Accept": fhirJSON},
	}
}

// get makes a GET with all roles that accepts FHIR JSON.
func get(user, path string) request {
	return request{method: "GET", path: path, user: user, roles: allRoles, header: map[string]string{"Accept": fhirJSON}}
}

func (r request) by(method string) request {
	r.method = method
	return r
}

func (r request) as(roles ...string) request {
	r.roles = roles
	return r
}

// withoutAccept returns the request without an Accept header.
func (r request) withoutAccept() request {
	header := map[string]string{}
	for k, v := range r.header {
		if k != "Accept" {
			header[k] = v
		}
	}
	r.header = header
	return r
}

// binary is a Binary, decoded.
type binary struct {
	ResourceType, ID string
	Meta             struct {
		VersionID, LastUpdated, Source string
		Profile                        []string
	}
	ContentType     string
	SecurityContext struct{ Identifier struct{ Value string } }
	Data            string
}

// binary decodes a response with a Binary.
func (a response) binary(t testing.TB) (b binary) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("got status %d: %.500s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &b); err != nil || b.ResourceType != "Binary" {
		t.Fatalf("no Binary: %v: %.500s", err, a.body)
	}
	return b
}

// bytes decodes the data.
func (b binary) bytes(t testing.TB) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// path returns the path of the Binary.
func (b binary) path() string { return "/Binary/" + b.ID }

// placeOrder places an order and returns its placeholder.
func (s target) placeOrder(t testing.TB, r request) binary {
	t.Helper()
	return s.do(t, r).binary(t)
}

// job returns the only job of a user.
func (s target) job(t testing.TB, user string) entry {
	t.Helper()
	r := status(user)
	r.path += "?outcome=true"
	list := s.do(t, r).entries(t)
	if len(list) != 1 {
		t.Fatalf("got %d jobs, want 1", len(list))
	}
	return list[0]
}

// waitForEnd waits until the only job of a user has ended, and checks its status.
func (s target) waitForEnd(t *testing.T, user string, want report.Status) entry {
	t.Helper()
	var job entry
	s.eventually(t, "the end of the job", func() bool {
		job = s.job(t, user)
		return report.Status(job.part("status").ValueString).Final()
	})
	if got := job.part("status").ValueString; got != string(want) {
		t.Fatalf("got job status %s, want %s: %+v", got, want, job)
	}
	return job
}

// eventually polls a condition as slowly as clients do, and fails the test after a minute.
func (target) eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

// makeReport orders a report, waits for it, and returns its Binary.
func (s target) makeReport(t *testing.T, user string) binary {
	t.Helper()
	b := s.placeOrder(t, order("execute", usageStats, user, notAnonymous))
	s.waitForEnd(t, user, report.Done)
	return s.do(t, get(user, b.path())).binary(t)
}
