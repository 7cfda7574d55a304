// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
	"reporting/internal/fhir/fhirxml"
	"reporting/internal/report"
)

const (
	labelJSON = "application/fhir+json; charset=UTF-8"
	labelXML  = "application/fhir+xml; charset=UTF-8"
)

// negotiates makes a GET and a POST with these Accept headers, and checks Content-Type and
// syntax of the responses.
func (s target) negotiates(t *testing.T, user, query, label string, lines ...string) {
	t.Helper()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		req := s.build(t, request{method: method, path: operation + query, user: user})
		for _, line := range lines {
			req.Header.Add("Accept", line)
		}
		a, err := send(req)
		if err != nil {
			t.Fatal(err)
		}
		s.matchesOpenAPI(t, request{method: method, path: operation + query}, a)
		if got := a.header.Get("Content-Type"); a.status != http.StatusOK || got != label {
			t.Errorf("%s Accept %q %s: %d %q, want %q", method, lines, query, a.status, got, label)
		}
		if begins := map[bool]string{true: "<Bundle xmlns=", false: `{`}[strings.Contains(label, "xml")]; !bytes.HasPrefix(a.body, []byte(begins)) {
			t.Errorf("%s Accept %q %s: %.60s", method, lines, query, a.body)
		}
	}
}

func TestW30_JSONIsTheDefaultFormat(t *testing.T) {
	t.Parallel()
	server := shared(t)
	server.negotiates(t, newUser(), "", labelJSON)
	for _, accept := range []string{
		"", "*/*", "application/*", fhirJSON, "application/fhir+json;q=1.0, application/json+fhir;q=0.9",
		"   application/fhir+json  ;  q=0.3 ", "APPLICATION/FHIR+JSON",
	} {
		server.negotiates(t, newUser(), "", labelJSON, accept)
	}
	server.negotiates(t, newUser(), "", labelJSON, "image/png", "application/fhir+json;q=0.1")
}

func TestW31_JSONWinsATie(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{
		"application/fhir+xml, application/fhir+json",
		"application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9, application/json+fhir;q=0.9",
	} {
		shared(t).negotiates(t, newUser(), "", labelJSON, accept)
	}
}

func TestW32_GenericJSONTypesAreEchoed(t *testing.T) {
	t.Parallel()
	server := shared(t)
	server.negotiates(t, newUser(), "", "application/json; charset=UTF-8", "application/json")
	server.negotiates(t, newUser(), "", "text/json; charset=UTF-8", "text/json")
	server.negotiates(t, newUser(), "", "application/json; charset=UTF-8", "application/json;q=0.9, application/fhir+json;q=0.8, application/fhir+xml;q=0.7")
}

func TestW33_FormerJSONTypeGetsTheCurrentLabel(t *testing.T) {
	t.Parallel()
	shared(t).negotiates(t, newUser(), "", labelJSON, "application/json+fhir")
}

func TestW34_XMLIsReturnedWhenPreferred(t *testing.T) {
	t.Parallel()
	server := shared(t)
	for accept, label := range map[string]string{
		"application/fhir+xml": labelXML,
		"application/fhir+xml;q=1.0, application/xml+fhir;q=0.9":  labelXML, // HAPI asking for XML
		"application/fhir+xml;q=0.9, application/fhir+json;q=0.8": labelXML,
		"application/xml+fhir": labelXML,
		"application/xml":      "application/xml; charset=UTF-8",
		"text/xml":             "text/xml; charset=UTF-8",
	} {
		server.negotiates(t, newUser(), "", label, accept)
	}
	// Errors, and the description of the service.
	kinds := oneOfEachKind()
	kinds["no user"] = request{method: "GET", path: operation, header: map[string]string{"Authorization": "Bearer " + unsigned(`{"sub":"x"}`)}}
	kinds["too large"] = withBody(strings.Repeat(" ", 1<<20)+"{}", fhirJSON)
	kinds["too long"] = request{method: "GET", path: "/" + strings.Repeat("x", 16<<10)}
	kinds["another type"] = withBody("x", "text/plain")
	kinds["bad input"] = withInput(newUser(), "status=\ufffe")
	for name, r := range kinds {
		a := server.do(t, r.with("Accept", "application/fhir+xml"))
		if len(a.body) == 0 {
			continue
		}
		if got := a.header.Get("Content-Type"); got != labelXML {
			t.Errorf("%s: got Content-Type %q", name, got)
		}
		if a.status >= http.StatusBadRequest {
			a.xmlOutcome(t)
		}
	}
	if isRemote() {
		t.Log("skipped the rest: it needs a server of its own")
		return
	}
	unavailable := own(t, func(c *config.Config) { c.DatabaseURL = unreachable })
	a := unavailable.do(t, status(newUser()).with("Accept", "application/fhir+xml"))
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("got status %d, headers %v", a.status, a.header)
	}
	a.xmlOutcome(t)
}

// xmlOutcome checks an OperationOutcome in XML (W-108).
func (a response) xmlOutcome(t *testing.T) {
	t.Helper()
	type value struct {
		Value string `xml:"value,attr"`
	}
	var outcome struct {
		XMLName xml.Name `xml:"http://hl7.org/fhir OperationOutcome"`
		ID      value    `xml:"id"`
		Text    struct {
			Status value `xml:"status"`
			Div    struct {
				P []string `xml:"p"`
			} `xml:"http://www.w3.org/1999/xhtml div"`
		} `xml:"text"`
		Issue []struct {
			Severity    value `xml:"severity"`
			Code        value `xml:"code"`
			Diagnostics value `xml:"diagnostics"`
		} `xml:"issue"`
	}
	if err := xml.Unmarshal(a.body, &outcome); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if outcome.ID.Value != a.header.Get("X-Request-Id") || outcome.Text.Status.Value != "generated" || len(outcome.Text.Div.P) == 0 {
		t.Errorf("got wrong id or narrative: %s", a.body)
	}
	for _, issue := range outcome.Issue {
		if issue.Severity.Value != "error" || issue.Code.Value == "" || issue.Diagnostics.Value == "" {
			t.Errorf("got an incomplete issue: %s", a.body)
		}
	}
	if found := leak.Find(a.body); found != nil || len(outcome.Issue) == 0 {
		t.Errorf("got internal text %q or no issue: %s", found, a.body)
	}
}

// The XML response has the content of the JSON response, in a long list too.
func TestW34_XMLHoldsWhatJSONHolds(t *testing.T) {
	t.Parallel()
	server, plain := shared(t), newUser()
	user := plain + " æøå 😀 <&>\"' \t\n"
	const many = 300 // more than one piece
	var jobs []report.Job
	for i := range many {
		job := doneJob(user, noon)
		if i%2 == 0 {
			job.Parameters = []byte(`{"resourceType":"Parameters","id":"x","parameter":[{"name":"n","valueDecimal":1.10,"_valueDecimal":{"id":"a"}},` +
				`{"name":"p","valuePeriod":{"start":"2025-02-04","extension":[{"url":"http://x.example","valueBoolean":true}]}},` +
				`{"name":"r","part":[{"name":"q","resource":{"resourceType":"Basic","code":{"text":"x"}}}]}]}`)
		}
		jobs = append(jobs, job)
	}
	server.load(t, jobs...)
	a := server.do(t, status(user).with("Accept", "application/fhir+xml"))
	if got := elements(t, a.body, "entry"); a.status != http.StatusOK || got != many {
		t.Fatalf("%d, %d entries, want %d: %.300s", a.status, got, many, a.body)
	}
	tree, err := fhirxml.Parse(a.body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decodeJSON(t, tree.AppendJSON(nil)), decodeJSON(t, server.do(t, status(user)).body)) {
		t.Error("XML and JSON differ in content")
	}
	for _, want := range []string{
		`<valueDecimal id="a" value="1.10"/>`,
		`<valuePeriod><extension url="http://x.example"><valueBoolean value="true"/></extension><start value="2025-02-04"/></valuePeriod>`,
		`<resource><Basic><code><text value="x"/></code></Basic></resource>`,
		`<name value="userId"/><valueString value="` + plain + ` æøå 😀 &lt;&amp;`,
	} {
		if !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("got no %s in %.3000s", want, a.body)
		}
	}
}

// decodeJSON decodes JSON and keeps the spelling of numbers.
func decodeJSON(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func elements(t *testing.T, text []byte, name string) int {
	t.Helper()
	count := 0
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Errorf("not well-formed: %v", err)
			}
			return count
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name && start.Name.Space == "http://hl7.org/fhir" {
			count++
		}
	}
}

// A job that XML cannot represent makes the response 406, which names the job, in a short
// list and in a long one.
func TestW34_XMLNeverDropsContent(t *testing.T) {
	t.Parallel()
	server := shared(t)
	for name, change := range map[string]func(*report.Job){
		"an unknown element":  func(j *report.Job) { j.Parameters = []byte(`{"resourceType":"Parameters","unheardOf":1}`) },
		"a control character": func(j *report.Job) { j.ReportClass = "a\x01b" },
		"a lone null":         func(j *report.Job) { j.Parameters = []byte(`{"resourceType":"Parameters","id":null}`) },
		"a name twice":        func(j *report.Job) { j.Parameters = []byte(`{"resourceType":"Parameters","id":"a","id":"b"}`) },
	} {
		for _, before := range []int{0, 150} {
			user := newUser()
			odd := doneJob(user, noon.Add(-1))
			change(&odd)
			var jobs []report.Job
			for range before {
				jobs = append(jobs, doneJob(user, noon))
			}
			server.load(t, append(jobs, odd)...)
			if a := server.do(t, status(user)); len(a.entries(t)) != before+1 {
				t.Errorf("%s: %d entries in JSON", name, len(a.entries(t)))
			}
			a := server.do(t, status(user).with("Accept", "application/fhir+xml"))
			if a.status != http.StatusNotAcceptable || !bytes.Contains(a.body, []byte(odd.ID.String())) {
				t.Fatalf("%s after %d jobs: %d %.500s", name, before, a.status, a.body)
			}
			a.xmlOutcome(t)
		}
	}
}

func TestW35_BrowsersGetJSON(t *testing.T) {
	t.Parallel()
	shared(t).negotiates(t, newUser(), "", labelJSON, "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8")
}

func TestW36_UnsupportedAcceptIs406(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"image/png", "application/fhir+json;q=0", "*/*;q=0", "text/turtle, text/html"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := request{method: method, path: operation, user: newUser()}.with("Accept", accept)
			shared(t).do(t, r).isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
		}
	}
	r := request{method: "GET", path: "/OperationDefinition/" + definitionID}.with("Accept", "image/png")
	shared(t).do(t, r).isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
}

func TestW37_FHIRVersionMustBeR4(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	for _, version := range []string{"4.0", "4.0.1", `"4.0"`} {
		server.negotiates(t, user, "", labelJSON, "application/fhir+json; fhirVersion="+version)
		server.negotiates(t, user, "", labelXML, "application/fhir+xml; fhirVersion="+version)
		if a := server.do(t, status(user).with("Content-Type", "application/fhir+json; fhirVersion="+version)); a.status != http.StatusOK {
			t.Errorf("Content-Type with %s: got status %d", version, a.status)
		}
	}
	for _, version := range []string{"3.0", "5.0", "4.3", "x"} {
		server.do(t, status(user).with("Accept", "application/fhir+json; fhirVersion="+version)).
			isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
		server.do(t, status(user).with("Content-Type", "application/fhir+json; fhirVersion="+version)).
			isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	}
}

func TestW38_MalformedAcceptIsIgnored(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"json", ";;", ",", "*", "a b c", `"`, "application/", "/json", "*/json"} {
		shared(t).negotiates(t, newUser(), "", labelJSON, accept)
	}
}

func TestW39_FormatParameterOverridesAccept(t *testing.T) {
	t.Parallel()
	server := shared(t)
	for query, label := range map[string]string{
		"?_format=json":                                  labelJSON,
		"?_format=application/fhir+json":                 labelJSON, // an unescaped plus
		"?_format=application/fhir%2Bjson":               labelJSON,
		"?_format=application/json":                      "application/json; charset=UTF-8",
		"?_format=application/fhir+json;fhirVersion=4.0": labelJSON,
	} {
		server.negotiates(t, newUser(), query, label, "application/fhir+xml")
		server.negotiates(t, newUser(), query, label, "image/png")
	}
	for query, label := range map[string]string{
		"?_format=xml":                      labelXML,
		"?_format=XML":                      labelXML,
		"?_format=application/fhir+xml":     labelXML,
		"?_format=application%2Ffhir%2Bxml": labelXML,
		"?_format=text/xml":                 "text/xml; charset=UTF-8",
	} {
		server.negotiates(t, newUser(), query, label, fhirJSON)
		server.negotiates(t, newUser(), query, label)
	}
	if a := server.do(t, request{method: "GET", path: "/metadata?_format=xml"}); !bytes.HasPrefix(a.body, []byte("<CapabilityStatement ")) {
		t.Errorf("metadata: %.60s", a.body)
	}
}

func TestW40_UnsupportedFormatParameterIs406(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"foo", "ttl", "html/json", "application/fhir+json;fhirVersion=3.0", "image/png"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := request{method: method, path: operation + "?_format=" + format, user: newUser()}
			shared(t).do(t, r).isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
		}
	}
	shared(t).do(t, request{method: "GET", path: "/metadata?_format=foo"}).isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
}

func TestW41_PrettyIndents(t *testing.T) {
	t.Parallel()
	server, user := shared(t), newUser()
	job := doneJob(user, noon)
	job.Parameters = []byte(`{"resourceType":"Parameters","parameter":[{"name":"x","valueDecimal":1.10},{"name":"y","valueString":"a  b"}]}`)
	server.load(t, job, queuedJob(user, noon))
	pretty := func(path, accept string) (compact, indented response) {
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		// An outcome's id is the request's.
		r := request{method: "GET", path: path, user: user}.with("Accept", accept).with("X-Request-Id", "pretty")
		compact = server.do(t, r)
		r.path += join + "_pretty=true"
		indented = server.do(t, r)
		if compact.status != indented.status || bytes.Contains(compact.body, []byte("\n")) || bytes.Count(indented.body, []byte("\n  ")) < 2 {
			t.Errorf("%s as %s: %d %.200s", path, accept, indented.status, indented.body)
		}
		return compact, indented
	}
	for _, path := range []string{operation, operation + "?status=RUNNING", operation + "?_count=x", "/metadata", "/OperationDefinition?code=x"} {
		compact, indented := pretty(path, fhirJSON)
		var again bytes.Buffer
		if err := json.Compact(&again, indented.body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(compact.body), again.String()); diff != "" {
			t.Errorf("%s\n%s", path, diff)
		}
	}
	_, indented := pretty(operation, "application/fhir+xml")
	if got := elements(t, indented.body, "entry"); got != 2 || !bytes.Contains(indented.body, []byte("\n  <entry>\n    <fullUrl value=")) {
		t.Errorf("%d entries: %s", got, indented.body)
	}
}

func TestW42_SummaryAndElementsAreIgnored(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"?_summary=true", "?_summary=count", "?_summary=x", "?_elements=id", "?_elements=", "?_summary=data&_elements=Bundle.type"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := shared(t).do(t, request{method: method, path: operation + query, user: newUser()})
			if a.status != http.StatusOK || string(a.body) != emptyList {
				t.Errorf("%s %s: got status %d, %s", method, query, a.status, a.body)
			}
		}
	}
}

func TestW43_AcceptCharsetIsIgnored(t *testing.T) {
	t.Parallel()
	for _, charset := range []string{"utf-8", "iso-8859-1", "*;q=0", "x"} {
		a := shared(t).do(t, status(newUser()).with("Accept-Charset", charset))
		if a.status != http.StatusOK || a.header.Get("Content-Type") != labelJSON {
			t.Errorf("%s: got status %d, %q", charset, a.status, a.header.Get("Content-Type"))
		}
	}
}

func TestW44_PreferIsIgnoredByTheStatusOperation(t *testing.T) {
	t.Parallel()
	for _, prefer := range []string{"respond-async", "return=minimal", "return=OperationOutcome", "handling=lenient, respond-async", "=;,"} {
		a := shared(t).do(t, status(newUser()).with("Prefer", prefer))
		if a.status != http.StatusOK || string(a.body) != emptyList || a.header.Get("Preference-Applied") != "" {
			t.Errorf("%s: %d %s, Preference-Applied %q", prefer, a.status, a.body, a.header.Get("Preference-Applied"))
		}
	}
}
