// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
)

// withBody makes a status request with a body. An empty contentType means no header.
func withBody(body, contentType string) request {
	r := request{method: "POST", path: operation, user: newUser(), body: body}
	if contentType != "" {
		r = r.with("Content-Type", contentType)
	}
	return r
}

func (a response) isEmptyList(t *testing.T, what string) {
	t.Helper()
	if a.status != http.StatusOK || string(a.body) != emptyList {
		t.Errorf("%.100s: got status %d, %s", what, a.status, a.body)
	}
}

func TestW50_MalformedJSONIs400(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"name":"x","part":[`, 40) + strings.Repeat(`]}`, 40)
	for _, body := range []string{
		`{`, `{"resourceType":"Parameters"`, `{"resourceType":"Parameters"}}`, `{"resourceType":"Parameters"} x`,
		`{"resourceType":"Parameters",}`, `{'resourceType':'Parameters'}`, `{"resourceType":"Parameters","id":"` + "\xff" + `"}`,
		`{"resourceType":"Parameters","id":"\ud800"}`, `{"resourceType":"Parameters","resourceType":"Parameters"}`,
		`{"resourceType":"Parameters","parameter":[{"name":"a","name":"b"}]}`,
		`{"resourceType":"Parameters","parameter":[` + deep + `]}`,
		"\u00a0", "\v\f", `[` + strings.Repeat("1,", 100_000) + `1]`, strings.Repeat("[", 500_000), strings.Repeat(`{"a":`, 100_000),
	} {
		shared(t).do(t, withBody(body, fhirJSON)).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
}

func TestW51_JSONWithoutResourceTypeIs400(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `1`, `{"id":"x"}`, `{"resourceType":7}`, `{"resourceType":null}`, `{"ResourceType":"Parameters"}`} {
		shared(t).do(t, withBody(body, fhirJSON)).hasIssues(t, http.StatusBadRequest)
	}
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `1`} {
		issue := shared(t).do(t, withBody(body, fhirJSON)).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
		if issue.Details == nil {
			t.Errorf("%s: got no message code", body)
		}
	}
}

func TestW52_OtherResourceTypesAre400(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"resourceType":"Bundle","type":"batch"}`, `{"resourceType":"parameters"}`, `{"resourceType":"Whatever","x":1}`} {
		issue := shared(t).do(t, withBody(body, fhirJSON)).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
		if !strings.HasPrefix(*issue.Diagnostics, "Expected a Parameters resource, got ") {
			t.Errorf("%s: %s", body, *issue.Diagnostics)
		}
	}
	for _, body := range []string{`<Patient xmlns="http://hl7.org/fhir"><foo/></Patient>`, `<Whatever xmlns="http://hl7.org/fhir"/>`} {
		shared(t).do(t, withBody(body, "application/fhir+xml")).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	}
}

func TestW53_InvalidElementsAreNamedByExpression(t *testing.T) {
	t.Parallel()
	const structure, required = models.IssueTypeStructure, models.IssueTypeRequired
	for body, want := range map[string]struct {
		code       models.IssueType
		expression string
	}{
		`"parameter":{"name":"x"}`:          {structure, "Parameters.parameter"},
		`"parameter":"x"`:                   {structure, "Parameters.parameter"},
		`"parameter":["x"]`:                 {structure, "Parameters.parameter[0]"},
		`"parameter":[{"name":7}]`:          {structure, "Parameters.parameter[0].name"},
		`"parameter":[{"valueString":"x"}]`: {required, "Parameters.parameter[0].name"},
		`"parameter":[{"name":"a"},{"part":[{"name":"b"},{"valueCode":"c"}],"name":"p"}]`:  {required, "Parameters.parameter[1].part[1].name"},
		`"parameter":[{"name":"x","valueString":"y","resource":{"resourceType":"Basic"}}]`: {structure, "Parameters.parameter[0]"},
		`"parameter":[{"name":"x","valueString":"y","part":[{"name":"z"}]}]`:               {structure, "Parameters.parameter[0]"},
		`"parameter":[{"name":"x","valueString":"y","valueCode":"z"}]`:                     {structure, "Parameters.parameter[0].value"},
		`"parameter":[{"name":"x","valueString":1}]`:                                       {structure, "Parameters.parameter[0].value"},
		`"parameter":[{"name":"x","valueBoolean":"true"}]`:                                 {structure, "Parameters.parameter[0].value"},
		`"parameter":[{"name":"x","valueInteger":1.5}]`:                                    {structure, "Parameters.parameter[0].value"},
		`"parameter":[{"name":"x","valuePeriod":"2026"}]`:                                  {structure, "Parameters.parameter[0].value"},
		`"parameter":[{"name":"x","valuStringg":"y"}]`:                                     {structure, "Parameters.parameter[0].valuStringg"},
		`"parametre":[]`: {structure, "Parameters.parametre"},
		`"id":null`:      {structure, "Parameters.id"},
		`"parameter":[{"name":"x","resource":{"id":"y"}}]`: {structure, "Parameters.parameter[0].resource"},
	} {
		issue := shared(t).do(t, withBody(`{"resourceType":"Parameters",`+body+`}`, fhirJSON)).isOutcome(t, http.StatusBadRequest, want.code)
		if len(issue.Expression) != 1 || issue.Expression[0] != want.expression {
			t.Errorf("%s: expression %v, want %s", body, issue.Expression, want.expression)
		}
	}
	// Empty lists, as JavaScript clients write them, are accepted.
	for _, empty := range []string{`[]`, `[{"name":"x","valueString":"v","part":[]}]`, `[{"name":"status","valueCode":"DONE","modifierExtension":[],"extension":[]}]`} {
		shared(t).do(t, withBody(`{"resourceType":"Parameters","parameter":`+empty+`}`, fhirJSON)).isEmptyList(t, empty)
	}
	two := withBody(`{"resourceType":"Parameters","parameter":[{"valueString":"x"},{"valueString":"y"}]}`, fhirJSON)
	if issues := shared(t).do(t, two).hasIssues(t, http.StatusBadRequest); len(issues) != 2 {
		t.Errorf("got %d issues for two faults, want 2", len(issues))
	}
	// A response has at most 20 issues.
	for _, parameter := range []string{`{"name":"a"}`, `{"valueCode":"a"}`, `{"name":"status","valueCode":"a"}`, `{"name":"since"}`, `{"x":1}`} {
		many := withBody(`{"resourceType":"Parameters","parameter":[`+strings.Repeat(parameter+",", 9_999)+parameter+`]}`, fhirJSON)
		a := shared(t).do(t, many.with("Prefer", "handling=strict"))
		if issues := a.hasIssues(t, http.StatusBadRequest); len(issues) != 20 {
			t.Errorf("%s: got %d issues for 10,000 faults, want 20", parameter, len(issues))
		}
	}
}

func TestW54_XMLBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	const head = `<Parameters xmlns="http://hl7.org/fhir">`
	server := shared(t)
	for _, body := range []string{
		head + `</Parameters>`, `<Parameters xmlns="http://hl7.org/fhir"/>`,
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + head + `<id value="x"/><parameter><name value="a"/><valueString value="b"/></parameter></Parameters>` + "\n",
		`<f:Parameters xmlns:f="http://hl7.org/fhir"><f:parameter><f:name value="a"/></f:parameter></f:Parameters>`,
	} {
		for _, label := range []string{"application/fhir+xml; charset=UTF-8", "application/xml", "text/xml", "application/xml+fhir"} {
			server.do(t, withBody(body, label)).isEmptyList(t, body)
		}
	}
	user := newUser()
	ids := loadOneOfEachStatus(t, server, user)
	filtered := withBody(head+`<parameter><name value="status"/><valueCode value="DONE"/></parameter><parameter><name value="_count"/><valueInteger value="5"/></parameter></Parameters>`, "application/fhir+xml")
	filtered.user = user
	if got := server.do(t, filtered).ids(t); len(got) != 1 || got[0] != ids[3] {
		t.Errorf("inputs in XML: got jobs %v, want %s", got, ids[3])
	}
	for _, body := range []string{
		`<`, head, head + `</parameters>`, head + `</Parameters><x/>`, head + `text</Parameters>`, `<Parameters/>`, `<Parameters xmlns="http://x.example"/>`,
		`<!DOCTYPE Parameters>` + head + `</Parameters>`,
		`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` + head + `<id value="&b;"/></Parameters>`,
		`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + head + `<id value="&a;"/></Parameters>`,
		head + `<id value="&a;"/></Parameters>`, head + `<unheardOf/></Parameters>`, head + `<id value="x" other="y"/></Parameters>`,
		`<?xml version="1.0" encoding="ISO-8859-1"?>` + head + `</Parameters>`, head + "<id value=\"\xff\"/></Parameters>",
		strings.Repeat("<a>", 100_000), head + strings.Repeat("<parameter><part>", 40) + strings.Repeat("</part></parameter>", 40) + `</Parameters>`,
	} {
		server.do(t, withBody(body, "application/fhir+xml")).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
	unknown := withBody(head+`<parameter><name value="a"/><foo/></parameter></Parameters>`, "application/fhir+xml")
	issue := server.do(t, unknown).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	if len(issue.Expression) != 1 || issue.Expression[0] != "Parameters.parameter[0].foo" || issue.Details == nil {
		t.Errorf("unknown element: got expression %v, details %v", issue.Expression, issue.Details)
	}
	nameless := withBody(head+`<parameter><valueString value="x"/></parameter></Parameters>`, "application/fhir+xml")
	if issue := server.do(t, nameless).isOutcome(t, http.StatusBadRequest, models.IssueTypeRequired); issue.Expression[0] != "Parameters.parameter[0].name" {
		t.Errorf("got expression %v", issue.Expression)
	}
}

func TestW55_MissingContentTypeMeansJSON(t *testing.T) {
	t.Parallel()
	shared(t).do(t, withBody(` {"resourceType":"Parameters"}`, "")).isEmptyList(t, "a JSON object")
	shared(t).do(t, withBody(`{"resourceType":"Parameters"}`, "x").with("Content-Type", "")).isEmptyList(t, "an empty label")
	for _, body := range []string{`<Parameters xmlns="http://hl7.org/fhir"/>`, `[]`, `x`, "\v{}"} {
		shared(t).do(t, withBody(body, "")).isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	}
	shared(t).do(t, withBody(`{`, "")).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
}

func TestW56_OtherContentTypesAre415(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/octet-stream", "nonsense", "*/*"} {
		a := shared(t).do(t, withBody(`{"resourceType":"Parameters"}`, label))
		a.isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
		for _, listed := range []string{"application/fhir+json", "application/fhir+xml", "application/json", "application/xml"} {
			if !strings.Contains(a.header.Get("Accept-Post"), listed) {
				t.Errorf("got Accept-Post %q", a.header.Get("Accept-Post"))
			}
		}
	}
}

func TestW57_OtherCharsetsAndEncodingsAre415(t *testing.T) {
	t.Parallel()
	const body = `{"resourceType":"Parameters"}`
	shared(t).do(t, withBody(body, `application/fhir+json; charset="Utf-8"`)).isEmptyList(t, "UTF-8")
	for _, charset := range []string{"iso-8859-1", "utf-16", "us-ascii"} {
		shared(t).do(t, withBody(body, "application/fhir+json; charset="+charset)).isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	}
	shared(t).do(t, withBody(body, fhirJSON).with("Content-Encoding", "identity")).isEmptyList(t, "identity")
	for _, coding := range []string{"br", "deflate", "zstd", "gzip, gzip", "x"} {
		a := shared(t).do(t, withBody(body, fhirJSON).with("Content-Encoding", coding))
		a.isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
		if got := a.header.Get("Accept-Encoding"); got != "gzip" { // RFC 9110, section 12.5.3
			t.Errorf("got Accept-Encoding %q", got)
		}
	}
}

func compressed(t *testing.T, body string) string {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := io.WriteString(writer, body); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func TestW58_GzipBodiesAreInflatedWithinTheLimit(t *testing.T) {
	t.Parallel()
	server := shared(t)
	whole := compressed(t, `{"resourceType":"Parameters"}`)
	for _, coding := range []string{"gzip", "GZIP", "x-gzip"} {
		server.do(t, withBody(whole, fhirJSON).with("Content-Encoding", coding)).isEmptyList(t, coding)
	}
	server.do(t, withBody(compressed(t, ""), fhirJSON).with("Content-Encoding", "gzip")).isEmptyList(t, "nothing, compressed")
	for _, body := range []string{
		`{"resourceType":"Parameters"}`, whole[:len(whole)-1], whole[:5], whole + "x", strings.Replace(whole, whole[12:14], "xx", 1),
	} {
		server.do(t, withBody(body, fhirJSON).with("Content-Encoding", "gzip")).isOutcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
	bomb := compressed(t, `{"resourceType":"Parameters"`+strings.Repeat(" ", 64<<20)+`}`)
	server.do(t, withBody(bomb, fhirJSON).with("Content-Encoding", "gzip")).isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
}

func TestW59_BodiesAboveTheLimitAre413(t *testing.T) {
	t.Parallel()
	server := shared(t)
	const limit = 1 << 20
	fits := `{"resourceType":"Parameters"` + strings.Repeat(" ", limit-29) + `}`
	server.do(t, withBody(fits, fhirJSON)).isEmptyList(t, "exactly the limit")
	server.do(t, withBody(fits+" ", fhirJSON)).isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
	undeclared := server.build(t, withBody("x", fhirJSON))
	undeclared.Body, undeclared.ContentLength = io.NopCloser(strings.NewReader(fits+" ")), -1
	a, err := send(undeclared)
	if err != nil {
		t.Fatal(err)
	}
	a.isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)

	if isRemote() {
		t.Log("skipped the rest: it needs a server of its own")
		return
	}
	small := own(t, func(c *config.Config) { c.MaxBody = 100 })
	small.do(t, withBody(`{"resourceType":"Parameters"}`, fhirJSON)).isEmptyList(t, "below a limit of 100")
	small.do(t, withBody(fits[:101], fhirJSON)).isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
}

func TestW60_BodiesThatDoNotArriveEnd(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	bodies := []struct {
		name, path, contentType string
		length                  int
		begin                   string // what arrives
		limit                   time.Duration
	}{
		{"a small body", operation, fhirJSON, 100, "{", 20 * time.Second},
		{"a large body", operation, fhirJSON, 100_000, strings.Repeat(" ", 50_000), 9 * time.Second},
		{"a form", "/OperationDefinition/_search", form, 100, "url=", 5 * time.Second},
	}
	test := func(t *testing.T, server target, dial func() net.Conn) {
		t.Helper()
		address, err := url.Parse(server.base)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bodies {
			response, took := endOf(t, dial(), fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				address.Path, b.path, token("u"), b.contentType, b.length, b.begin), 30*time.Second)
			if got := statusOf(t, response); got != 0 && got != http.StatusRequestTimeout {
				t.Errorf("%s: got %q, want 408 or the end of the connection", b.name, response)
			}
			if took > b.limit+time.Second {
				t.Errorf("%s: the connection ended after %s, want %s", b.name, took, b.limit)
			}
		}
	}
	if !isRemote() {
		withSyntheticTime(t, func(server synthetic) {
			test(server.t, server.target, server.dial)
		})
		return
	}
	slow(t, "waits up to 20 s for each body on another server")
	server := shared(t)
	test(t, server, func() net.Conn { return server.dial(t) })
}
