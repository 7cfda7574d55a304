// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/api"
	"reporting/internal/app"
	"reporting/internal/config"
	"reporting/internal/report"
)

// The published request gets the published response, byte for byte.
func TestW01_PublishedRequestGetsPublishedResponse(t *testing.T) {
	t.Parallel()
	want, err := api.Example(api.StatusFailed)
	if err != nil {
		t.Fatal(err)
	}
	server := shared(t)
	if !isRemote() { // a remote server has the seed's job already, as dev has
		server.load(t, app.SeedJob())
	}
	response := server.do(t, request{method: "POST", path: operation, body: "{\n  \"resourceType\": \"Parameters\"\n}", header: map[string]string{
		"Accept-Charset":  "utf-8",
		"Authorization":   "Bearer " + api.SeedToken,
		"Accept":          "application/fhir+json;q=1.0, application/json+fhir;q=0.9",
		"User-Agent":      "HAPI-FHIR/6.2.1 (FHIR Client; FHIR 4.0.1/R4; apache)",
		"Accept-Encoding": "gzip",
		"Content-Type":    "application/fhir+json; charset=UTF-8",
	}})
	if response.status != http.StatusOK {
		t.Errorf("got status %d", response.status)
	}
	if response.header.Get("Content-Encoding") == "gzip" {
		response.body = gunzip(t, response.body) // optional for a response of this size
	}
	if diff := cmp.Diff(want, string(response.body)); diff != "" {
		t.Error(diff)
	}
}

func TestW02_UserWithoutJobsGetsEmptyBundle(t *testing.T) {
	t.Parallel()
	if a := shared(t).do(t, status(newUser())); a.status != http.StatusOK || string(a.body) != emptyList {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestW03_PostWithoutBodyMeansNoParameters(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", fhirJSON, "application/x-www-form-urlencoded"} {
		r := request{method: "POST", path: operation, user: newUser()}
		if contentType != "" {
			r = r.with("Content-Type", contentType)
		}
		if a := shared(t).do(t, r); a.status != http.StatusOK || string(a.body) != emptyList {
			t.Errorf("Content-Type %q: got status %d, %s", contentType, a.status, a.body)
		}
	}
}

func TestW04_GetReturnsTheBodyOfPost(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	server.load(t, doneJob(user, noon), queuedJob(user, noon))
	post := server.do(t, status(user))
	get := server.do(t, request{method: "GET", path: operation, user: user})
	if get.status != http.StatusOK || !bytes.Equal(get.body, post.body) {
		t.Errorf("GET: %d %s\nPOST: %s", get.status, get.body, post.body)
	}
}

func TestW05_HeadReturnsTheHeadersOfGet(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	for range 10 { // enough for GET to be compressed
		server.load(t, doneJob(user, noon))
	}
	get := server.do(t, request{method: "GET", path: operation, user: user})
	head := server.do(t, request{method: "HEAD", path: operation, user: user}.with("Accept-Encoding", "gzip"))
	if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Content-Encoding") != "" {
		t.Errorf("%d, %d bytes, Content-Encoding %q", head.status, len(head.body), head.header.Get("Content-Encoding"))
	}
	for _, name := range []string{"Date", "X-Request-Id"} {
		get.header.Del(name)
		head.header.Del(name)
	}
	if diff := cmp.Diff(get.header, head.header); diff != "" {
		t.Errorf("(-GET +HEAD)\n%s", diff)
	}
}

func TestW06_UnknownInputsAreIgnored(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"resourceType":"Parameters","id":"x","meta":{"tag":[{"code":"y"}]}}`,
		`{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`,
		`{"resourceType":"Parameters","parameter":[{"name":"userId","valueString":"another user"}]}`,
	} {
		r := status(newUser())
		r.body = body
		if a := shared(t).do(t, r); a.status != http.StatusOK || string(a.body) != emptyList {
			t.Errorf("%s: got status %d, %s", body, a.status, a.body)
		}
	}
}

func TestW07_StartedAndEndedAreAbsentUntilKnown(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	running := doneJob(user, noon)
	running.Status, running.Ended, running.BinaryReference = report.Running, time.Time{}, ""
	server.load(t, queuedJob(user, noon.Add(time.Second)), running)
	a := server.do(t, status(user))
	list := a.entries(t)
	if list[0].part("started") != nil || list[0].part("ended") != nil {
		t.Error("queued job: got started or ended, want neither")
	}
	if list[1].part("started") == nil || list[1].part("ended") != nil {
		t.Error("running job: want started, and no ended")
	}
	for _, bad := range []string{"null", `""`, "{}", "[]"} {
		if strings.Contains(string(a.body), bad) {
			t.Errorf("got an empty value %s: %s", bad, a.body)
		}
	}
}

func TestW08_JobWithoutResultHasNoBinary(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	server.load(t, queuedJob(user, noon))
	if list := server.do(t, status(user)).entries(t); list[0].part("binary") != nil {
		t.Error("job without a result: got a part binary, want none")
	}
}

func TestW09_TimesAreTruncatedToSecondsInUTC(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	job := doneJob(user, time.Date(2023, 10, 12, 9, 51, 50, 999_999_000, time.UTC))
	server.load(t, job)
	if got := server.do(t, status(user)).entries(t)[0].part("created").ValueDateTime; got != "2023-10-12T09:51:50+00:00" {
		t.Errorf("got created %s, want 2023-10-12T09:51:50+00:00", got)
	}
}

func TestW10_EveryStatusIsReported(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	loadOneOfEachStatus(t, server, user)
	var got []report.Status
	for _, e := range server.do(t, status(user)).entries(t) {
		got = append(got, report.Status(e.part("status").ValueString))
	}
	if diff := cmp.Diff(report.Statuses(), got); diff != "" {
		t.Error(diff)
	}
}

func TestW11_RelativeReferencesUseTheConfiguredBase(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	relative, absolute := doneJob(user, noon), doneJob(user, noon.Add(-time.Second))
	absolute.BinaryReference = "https://elsewhere.example/fhir/Binary/8"
	server.load(t, relative, absolute)
	req := server.build(t, status(user))
	req.Host = "attacker.example" // links must not use it
	a, err := send(req)
	if err != nil {
		t.Fatal(err)
	}
	list := a.entries(t)
	if got, want := list[0].part("binary").ValueReference.Reference, server.public(t)+"/Binary/7"; got != want {
		t.Errorf("relative: %s, want %s", got, want)
	}
	if got := list[1].part("binary").ValueReference.Reference; got != absolute.BinaryReference {
		t.Errorf("absolute: %s", got)
	}
}

func TestW12_ParametersAreReturnedByteForByte(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	job := doneJob(user, noon)
	job.Parameters = []byte(`{ "parameter":[{"valueDecimal":1.10,"name":"x","_unknown":{"b":1,"a":1e400}}],` + "\n" + `"resourceType":"Parameters"}`)
	server.load(t, job)
	a := server.do(t, status(user))
	if !bytes.Contains(a.body, append([]byte(`{"name":"parameters","resource":`), job.Parameters...)) {
		t.Errorf("got changed parameters: %s", a.body)
	}
}

func TestW13_FullURLIsTheIDOrAbsolute(t *testing.T) {
	t.Parallel()
	check := func(server target, prefix string) {
		user := newUser()
		job := doneJob(user, noon)
		server.load(t, job)
		e := server.do(t, status(user)).entries(t)[0]
		if e.FullURL != prefix+job.ID.String() || e.Resource.ID != job.ID.String() || e.Resource.ResourceType != "Parameters" {
			t.Errorf("fullUrl %s, id %s", e.FullURL, e.Resource.ID)
		}
	}
	check(shared(t), "")
	if isRemote() {
		t.Log("skipped the rest: it needs a server of its own")
		return
	}
	absolute := own(t, func(c *config.Config) { c.AbsoluteFullURL = true })
	check(absolute.target, "https://reporting.example.org/fhir/Parameters/")
}

func TestW14_NewestJobComesFirst(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	first, second := doneJob(user, noon), doneJob(user, noon)
	if bytes.Compare(first.ID[:], second.ID[:]) > 0 {
		first, second = second, first
	}
	newest, oldest := doneJob(user, noon.Add(time.Millisecond)), doneJob(user, noon.Add(-time.Hour))
	server.load(t, second, oldest, first, newest)
	var got []string
	for _, e := range server.do(t, status(user)).entries(t) {
		got = append(got, e.FullURL)
	}
	want := []string{newest.ID.String(), first.ID.String(), second.ID.String(), oldest.ID.String()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestW17_AnyCharacterSurvives(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	job := doneJob(user+"æøå 😀 <&>\"\\\u2028\u2029\x01\t\n\x7f", noon)
	job.ReportClass = "æøå 😀 </script> & \" \\ \u2028 \x1f"
	server.load(t, job)
	e := server.do(t, status(job.UserID)).entries(t)[0]
	if got := e.part("userId").ValueString; got != job.UserID {
		t.Errorf("userId %q, want %q", got, job.UserID)
	}
	if got := e.part("reportClass").ValueString; got != job.ReportClass {
		t.Errorf("reportClass %q, want %q", got, job.ReportClass)
	}
	if _, err := uuid.Parse(e.FullURL); err != nil {
		t.Error(err)
	}
}
