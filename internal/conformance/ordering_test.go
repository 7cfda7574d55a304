// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/internal/report"
)

func TestW120_ExecuteReturnsAPlaceholder(t *testing.T) {
	t.Parallel()
	server, user, id := reports(t), newUser(), uuid.NewString()
	a := server.do(t, order("execute", usageStats, user, notAnonymous).with("X-Request-Id", id))
	b := a.binary(t)
	if b.Meta.VersionID != "1" || b.Meta.Source != "#"+id || b.ContentType != "text/plain" || b.Data != placeholder ||
		b.SecurityContext.Identifier.Value != user {
		t.Errorf("got %s", a.body)
	}
	version := server.public(t) + b.path() + "/_history/1"
	if a.header.Get("Location") != version || a.header.Get("Content-Location") != version || a.header.Get("Etag") != "" {
		t.Errorf("got headers %v, want %s in Location and Content-Location, and no ETag", a.header, version)
	}
	updated, err := time.Parse("2006-01-02T15:04:05.000-07:00", b.Meta.LastUpdated)
	if err != nil || !strings.HasSuffix(b.Meta.LastUpdated, "+00:00") || updated.Format(http.TimeFormat) != a.header.Get("Last-Modified") {
		t.Errorf("lastUpdated %s (%v), Last-Modified %s", b.Meta.LastUpdated, err, a.header.Get("Last-Modified"))
	}
	second := server.placeOrder(t, order("execute", usageStats, user, notAnonymous))
	if second.ID == b.ID {
		t.Error("two orders got the same Binary")
	}
}

func TestW121_ScheduleReturnsAPlaceholder(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	a := server.do(t, order("schedule", usageStats, user, notAnonymous))
	b := a.binary(t)
	if b.Meta.VersionID != "1" || b.Data != placeholder || a.header.Get("Location") != server.public(t)+b.path()+"/_history/1" {
		t.Errorf("got headers %v: %s", a.header, a.body)
	}
	job := server.job(t, user)
	if job.part("status").ValueString != string(report.Scheduled) || job.part("started") != nil {
		t.Errorf("got %+v", job)
	}
	// The job can be polled before the night.
	later := server.do(t, get(user, "/report-jobs/"+job.FullURL))
	if later.status != http.StatusAccepted || later.header.Get("Retry-After") == "" {
		t.Errorf("got status %d, headers %v", later.status, later.header)
	}
	server.do(t, request{method: "DELETE", path: b.path(), user: user, roles: allRoles})
}

func TestW122_FetchReturnsTheReport(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	a := server.do(t, order("fetch", usageStats, user, notAnonymous))
	b := a.binary(t)
	if b.ContentType != zipType || b.SecurityContext.Identifier.Value != user || b.ID != "" || b.Meta.LastUpdated != "" {
		t.Errorf("got %.500s", a.body)
	}
	for _, name := range []string{"Location", "Content-Location", "Last-Modified", "Etag"} {
		if got := a.header.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	unzip(t, b.bytes(t))
	// It is a resource whatever Accept says.
	plain := server.do(t, order("fetch", usageStats, user, anonymous).withoutAccept().with("Prefer", "respond-async"))
	plain.binary(t)
	if jobs := server.do(t, status(user)).entries(t); len(jobs) != 0 {
		t.Errorf("got %d jobs after a fetch, want none", len(jobs))
	}
}

func TestW123_OrderAppearsAsAJob(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	parameters := `{"resourceType":"Parameters","id":"x","parameter":[{"name":"colour","valueString":"\u00e9"},{"name":"anonymization","valueString":"nOnE"}]}`
	b := server.placeOrder(t, order("execute", usageStats, user, parameters))
	job := server.waitForEnd(t, user, report.Done)
	var names []string
	for _, p := range job.Resource.Parameter[0].Part {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"reportClass", "userId", "status", "binary", "parameters", "created", "started", "ended"}, names); diff != "" {
		t.Errorf("parts (-want +got)\n%s", diff)
	}
	if job.part("reportClass").ValueString != usageClass || job.part("userId").ValueString != user ||
		job.part("binary").ValueReference.Reference != server.public(t)+b.path() || string(job.part("parameters").Resource) != parameters {
		t.Errorf("got %+v", job)
	}
	if created := job.part("created").ValueDateTime; created != b.Meta.LastUpdated[:19]+"+00:00" {
		t.Errorf("created %s, and version 1 of the Binary %s", created, b.Meta.LastUpdated)
	}
}

func TestW124_OrderInXMLEqualsOrderInJSON(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	xml := `<?xml version="1.0"?><Parameters xmlns="http://hl7.org/fhir"><parameter><name value="anonymization"/><valueString value="None"/></parameter></Parameters>`
	a := server.do(t, order("execute", usageStats, user, xml).with("Content-Type", "application/fhir+xml").with("Accept", "application/fhir+xml"))
	if a.status != http.StatusOK || a.header.Get("Content-Type") != labelXML || !bytes.HasPrefix(a.body, []byte(`<Binary xmlns="http://hl7.org/fhir"><id value="`)) {
		t.Fatalf("got status %d, headers %v: %s", a.status, a.header, a.body)
	}
	var parameters, want any
	_ = json.Unmarshal(server.job(t, user).part("parameters").Resource, &parameters)
	_ = json.Unmarshal([]byte(notAnonymous), &want)
	if diff := cmp.Diff(want, parameters); diff != "" {
		t.Errorf("parameters (-want +got)\n%s", diff)
	}
	// A user id that XML cannot represent is rejected before an order exists.
	odd := newUser() + "\x01"
	for _, mode := range []string{"execute", "schedule", "fetch"} {
		rejected := server.do(t, order(mode, usageStats, odd, anonymous).with("Accept", "application/fhir+xml"))
		if rejected.status != http.StatusNotAcceptable || rejected.header.Get("Location") != "" {
			t.Errorf("%s: got status %d, %v", mode, rejected.status, rejected.header)
		}
	}
	if jobs := server.do(t, status(odd)).entries(t); len(jobs) != 0 {
		t.Errorf("got %d jobs after rejected orders, want none", len(jobs))
	}
	zipped := order("execute", usageStats, user, compressed(t, notAnonymous)).with("Content-Encoding", "gzip")
	server.do(t, zipped).binary(t)
}
