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

// sending is a call with a body; an empty contentType leaves the label out.
func sending(body, contentType string) request {
	r := request{method: "POST", path: operation, user: newUser(), body: body}
	if contentType != "" {
		r = r.with("Content-Type", contentType)
	}
	return r
}

func (a answer) accepted(t *testing.T, what string) {
	t.Helper()
	if a.status != http.StatusOK || string(a.body) != emptyList {
		t.Errorf("%.100s: %d %s", what, a.status, a.body)
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
		shared(t).do(t, sending(body, fhirJSON)).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
}

func TestW51_JSONWithoutResourceTypeIs400(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `1`, `{"id":"x"}`, `{"resourceType":7}`, `{"resourceType":null}`, `{"ResourceType":"Parameters"}`} {
		shared(t).do(t, sending(body, fhirJSON)).issues(t, http.StatusBadRequest)
	}
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `1`} {
		issue := shared(t).do(t, sending(body, fhirJSON)).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
		if issue.Details == nil {
			t.Errorf("%s: no message code", body)
		}
	}
}

func TestW52_OtherResourceTypesAre400(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"resourceType":"Bundle","type":"batch"}`, `{"resourceType":"parameters"}`, `{"resourceType":"Whatever","x":1}`} {
		issue := shared(t).do(t, sending(body, fhirJSON)).outcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
		if !strings.HasPrefix(*issue.Diagnostics, "Expected a Parameters resource, got ") {
			t.Errorf("%s: %s", body, *issue.Diagnostics)
		}
	}
	for _, body := range []string{`<Patient xmlns="http://hl7.org/fhir"><foo/></Patient>`, `<Whatever xmlns="http://hl7.org/fhir"/>`} {
		shared(t).do(t, sending(body, "application/fhir+xml")).outcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
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
		issue := shared(t).do(t, sending(`{"resourceType":"Parameters",`+body+`}`, fhirJSON)).outcome(t, http.StatusBadRequest, want.code)
		if len(issue.Expression) != 1 || issue.Expression[0] != want.expression {
			t.Errorf("%s: expression %v, want %s", body, issue.Expression, want.expression)
		}
	}
	// What JavaScript clients write for "none" is not held against them.
	for _, empty := range []string{`[]`, `[{"name":"x","valueString":"v","part":[]}]`, `[{"name":"status","valueCode":"DONE","modifierExtension":[],"extension":[]}]`} {
		shared(t).do(t, sending(`{"resourceType":"Parameters","parameter":`+empty+`}`, fhirJSON)).accepted(t, empty)
	}
	two := sending(`{"resourceType":"Parameters","parameter":[{"valueString":"x"},{"valueString":"y"}]}`, fhirJSON)
	if issues := shared(t).do(t, two).issues(t, http.StatusBadRequest); len(issues) != 2 {
		t.Errorf("%d issues for two faults", len(issues))
	}
	// An answer does not grow with what is wrong.
	for _, parameter := range []string{`{"name":"a"}`, `{"valueCode":"a"}`, `{"name":"status","valueCode":"a"}`, `{"name":"since"}`, `{"x":1}`} {
		many := sending(`{"resourceType":"Parameters","parameter":[`+strings.Repeat(parameter+",", 9_999)+parameter+`]}`, fhirJSON)
		a := shared(t).do(t, many.with("Prefer", "handling=strict"))
		if issues := a.issues(t, http.StatusBadRequest); len(issues) != 20 {
			t.Errorf("%d issues for very many faults: %s", len(issues), parameter)
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
			server.do(t, sending(body, label)).accepted(t, body)
		}
	}
	user := newUser()
	ids := life(t, server, user)
	filtered := sending(head+`<parameter><name value="status"/><valueCode value="DONE"/></parameter><parameter><name value="_count"/><valueInteger value="5"/></parameter></Parameters>`, "application/fhir+xml")
	filtered.user = user
	if got := server.do(t, filtered).ids(t); len(got) != 1 || got[0] != ids[3] {
		t.Errorf("inputs in XML: %v", got)
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
		server.do(t, sending(body, "application/fhir+xml")).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
	unknown := sending(head+`<parameter><name value="a"/><foo/></parameter></Parameters>`, "application/fhir+xml")
	issue := server.do(t, unknown).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	if len(issue.Expression) != 1 || issue.Expression[0] != "Parameters.parameter[0].foo" || issue.Details == nil {
		t.Errorf("an unknown element: expression %v, details %v", issue.Expression, issue.Details)
	}
	nameless := sending(head+`<parameter><valueString value="x"/></parameter></Parameters>`, "application/fhir+xml")
	if issue := server.do(t, nameless).outcome(t, http.StatusBadRequest, models.IssueTypeRequired); issue.Expression[0] != "Parameters.parameter[0].name" {
		t.Errorf("expression %v", issue.Expression)
	}
}

func TestW55_MissingContentTypeMeansJSON(t *testing.T) {
	t.Parallel()
	shared(t).do(t, sending(` {"resourceType":"Parameters"}`, "")).accepted(t, "a JSON object")
	shared(t).do(t, sending(`{"resourceType":"Parameters"}`, "x").with("Content-Type", "")).accepted(t, "an empty label")
	for _, body := range []string{`<Parameters xmlns="http://hl7.org/fhir"/>`, `[]`, `x`, "\v{}"} {
		shared(t).do(t, sending(body, "")).outcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	}
	shared(t).do(t, sending(`{`, "")).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
}

func TestW56_OtherContentTypesAre415(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/octet-stream", "nonsense", "*/*"} {
		a := shared(t).do(t, sending(`{"resourceType":"Parameters"}`, label))
		a.outcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
		for _, listed := range []string{"application/fhir+json", "application/fhir+xml", "application/json", "application/xml"} {
			if !strings.Contains(a.header.Get("Accept-Post"), listed) {
				t.Errorf("Accept-Post %q", a.header.Get("Accept-Post"))
			}
		}
	}
}

func TestW57_OtherCharsetsAndEncodingsAre415(t *testing.T) {
	t.Parallel()
	const body = `{"resourceType":"Parameters"}`
	shared(t).do(t, sending(body, `application/fhir+json; charset="Utf-8"`)).accepted(t, "UTF-8")
	for _, charset := range []string{"iso-8859-1", "utf-16", "us-ascii"} {
		shared(t).do(t, sending(body, "application/fhir+json; charset="+charset)).outcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	}
	shared(t).do(t, sending(body, fhirJSON).with("Content-Encoding", "identity")).accepted(t, "identity")
	for _, coding := range []string{"br", "deflate", "zstd", "gzip, gzip", "x"} {
		a := shared(t).do(t, sending(body, fhirJSON).with("Content-Encoding", coding))
		a.outcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
		if got := a.header.Get("Accept-Encoding"); got != "gzip" { // RFC 9110, section 12.5.3
			t.Errorf("Accept-Encoding %q", got)
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
		server.do(t, sending(whole, fhirJSON).with("Content-Encoding", coding)).accepted(t, coding)
	}
	server.do(t, sending(compressed(t, ""), fhirJSON).with("Content-Encoding", "gzip")).accepted(t, "nothing, compressed")
	for _, body := range []string{
		`{"resourceType":"Parameters"}`, whole[:len(whole)-1], whole[:5], whole + "x", strings.Replace(whole, whole[12:14], "xx", 1),
	} {
		server.do(t, sending(body, fhirJSON).with("Content-Encoding", "gzip")).outcome(t, http.StatusBadRequest, models.IssueTypeStructure)
	}
	bomb := compressed(t, `{"resourceType":"Parameters"`+strings.Repeat(" ", 64<<20)+`}`)
	server.do(t, sending(bomb, fhirJSON).with("Content-Encoding", "gzip")).outcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
}

func TestW59_BodiesAboveTheLimitAre413(t *testing.T) {
	t.Parallel()
	server := shared(t)
	const limit = 1 << 20
	fits := `{"resourceType":"Parameters"` + strings.Repeat(" ", limit-29) + `}`
	server.do(t, sending(fits, fhirJSON)).accepted(t, "exactly the limit")
	server.do(t, sending(fits+" ", fhirJSON)).outcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
	undeclared := server.build(t, sending("x", fhirJSON))
	undeclared.Body, undeclared.ContentLength = io.NopCloser(strings.NewReader(fits+" ")), -1
	a, err := send(undeclared)
	if err != nil {
		t.Fatal(err)
	}
	a.outcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)

	if isRemote() {
		t.Log("the rest needs a server of its own")
		return
	}
	small := own(t, func(c *config.Config) { c.MaxBody = 100 })
	small.do(t, sending(`{"resourceType":"Parameters"}`, fhirJSON)).accepted(t, "below a limit of 100")
	small.do(t, sending(fits[:101], fhirJSON)).outcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
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
		withSyntheticTime(t, func(t *testing.T, server synthetic) {
			test(t, server.target, func() net.Conn { return server.dial(t) })
		})
		return
	}
	slow(t, "waits up to 20 s for each body on another server")
	server := shared(t)
	test(t, server, func() net.Conn { return server.dial(t) })
}
