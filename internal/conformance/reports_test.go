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

// The report that the recorded exchanges are about, and the demo reports.
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

// withSeconds asks a demo report to take so long.
func withSeconds(text string) string {
	return strings.Replace(anonymous, "}]}", `},{"name":"seconds","valueInteger":`+text+`}]}`, 1)
}

// every is the roles of those who may do everything.
var every = []string{"report-non-anonymized", "$fetch-patient-usage-stats", "Binary.read"}

// reports is the server that tests of reports use. A server elsewhere may have none.
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

// order asks for a report: mode is fetch, execute or schedule.
func order(mode, name, user, body string) request {
	return request{
		method: "POST", path: "/$" + mode + "-" + name, user: user, roles: every, body: body,
		header: map[string]string{"Content-Type": fhirJSON, "Accept": fhirJSON},
	}
}

// get reads as somebody who may, and wants resources.
func get(user, path string) request {
	return request{method: "GET", path: path, user: user, roles: every, header: map[string]string{"Accept": fhirJSON}}
}

func (r request) by(method string) request {
	r.method = method
	return r
}

func (r request) as(roles ...string) request {
	r.roles = roles
	return r
}

// plain says nothing of what it accepts.
func (r request) plain() request {
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

// binary decodes an answer with a Binary.
func (a answer) binary(t testing.TB) (b binary) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %.500s", a.status, a.body)
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

// path is the address of the Binary.
func (b binary) path() string { return "/Binary/" + b.ID }

// ordered places an order and returns its placeholder.
func (s target) ordered(t testing.TB, r request) binary {
	t.Helper()
	return s.do(t, r).binary(t)
}

// job is the one job of a user.
func (s target) job(t testing.TB, user string) entry {
	t.Helper()
	r := status(user)
	r.path += "?outcome=true"
	list := s.do(t, r).entries(t)
	if len(list) != 1 {
		t.Fatalf("%d jobs, want 1", len(list))
	}
	return list[0]
}

// ended waits until the one job of a user has ended, and demands how.
func (s target) ended(t *testing.T, user string, want report.Status) entry {
	t.Helper()
	var job entry
	s.becomes(t, "the end of the job", func() bool {
		job = s.job(t, user)
		return report.Status(job.part("status").ValueString).Final()
	})
	if got := job.part("status").ValueString; got != string(want) {
		t.Fatalf("the job is %s, want %s: %+v", got, want, job)
	}
	return job
}

// becomes polls, as clients do.
func (target) becomes(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// made orders a report, waits for it, and returns the result.
func (s target) made(t *testing.T, user string) binary {
	t.Helper()
	b := s.ordered(t, order("execute", usageStats, user, notAnonymous))
	s.ended(t, user, report.Done)
	return s.do(t, get(user, b.path())).binary(t)
}
