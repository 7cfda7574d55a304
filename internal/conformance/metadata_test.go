// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
)

const (
	definitionID  = "-s-get-report-job-status"
	definitionURL = "http://ehealth.sundhed.dk/fhir/OperationDefinition/" + definitionID
)

func TestW110_MetadataNeedsNoTokenAndNoDatabase(t *testing.T) {
	t.Parallel()
	check := func(server target) {
		t.Helper()
		for _, accept := range []string{
			"", "*/*", "application/*", fhirJSON, "application/fhir+json;q=1.0, application/json+fhir;q=0.9",
			"application/fhir+xml;q=1.0, application/fhir+json;q=1.0", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", ";;",
			"image/png", "application/fhir+json;q=0", "application/fhir+json;fhirVersion=3.0",
		} {
			r := request{method: "GET", path: "/metadata"}.with("Authorization", "Bearer nonsense")
			if accept != "" {
				r = r.with("Accept", accept)
			}
			a := server.do(t, r)
			statement, err := models.UnmarshalCapabilityStatement(a.body)
			if a.status != http.StatusOK || err != nil {
				t.Fatalf("Accept %q: %d %v %s", accept, a.status, err, a.body)
			}
			if statement.FhirVersion != models.FHIRVersion4_0_1 || statement.Kind != models.CapabilityStatementKindInstance {
				t.Errorf("fhirVersion %s, kind %s", statement.FhirVersion.Code(), statement.Kind.Code())
			}
			rest := statement.Rest[0]
			if rest.Operation[0].Name != "get-report-job-status" || rest.Operation[0].Definition != definitionURL {
				t.Errorf("got operations %+v", rest.Operation)
			}
			if diff := cmp.Diff([]string{"application/fhir+json", "json", "application/fhir+xml", "xml"}, statement.Format); diff != "" {
				t.Errorf("formats (-want +got)\n%s", diff)
			}
		}
	}
	check(shared(t))
	if isRemote() {
		t.Log("skipped the rest: it needs a server of its own")
		return
	}
	check(own(t, func(c *config.Config) { c.DatabaseURL = unreachable }).target)
}

func TestW111_MetadataSupportsConditionalRequests(t *testing.T) {
	t.Parallel()
	server := shared(t)
	for _, path := range []string{"/metadata", "/OperationDefinition/" + definitionID} {
		get := server.do(t, request{method: "GET", path: path})
		etag := get.header.Get("Etag")
		if etag == "" || !strings.HasPrefix(get.header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: got ETag %q, Cache-Control %q", path, etag, get.header.Get("Cache-Control"))
		}
		head := server.do(t, request{method: "HEAD", path: path})
		if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Etag") != etag ||
			head.header.Get("Content-Length") != get.header.Get("Content-Length") {
			t.Errorf("%s: HEAD %d %v", path, head.status, head.header)
		}
		for _, tt := range []struct {
			match string
			want  int
		}{
			{etag, http.StatusNotModified},
			{strings.TrimPrefix(etag, "W/"), http.StatusNotModified}, // the comparison is weak
			{`"x", ` + etag, http.StatusNotModified},
			{"*", http.StatusNotModified},
			{`W/"x"`, http.StatusOK},
		} {
			for _, encoding := range []string{"identity", "gzip"} {
				a := server.do(t, request{method: "GET", path: path}.with("If-None-Match", tt.match).with("Accept-Encoding", encoding))
				if a.status != tt.want || (a.status == http.StatusNotModified && (len(a.body) > 0 || a.header.Get("Etag") != etag)) {
					t.Errorf("%s: If-None-Match %s: %d, %d bytes", path, tt.match, a.status, len(a.body))
				}
			}
		}
		a := server.do(t, request{method: "POST", path: path, body: "{}"})
		a.isOutcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
		if a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: got Allow %q", path, a.header.Get("Allow"))
		}
	}
}

func TestW112_OperationDefinitionIsReadable(t *testing.T) {
	t.Parallel()
	server := shared(t)
	a := server.do(t, request{method: "GET", path: "/OperationDefinition/" + definitionID})
	definition, err := models.UnmarshalOperationDefinition(a.body)
	if a.status != http.StatusOK || err != nil {
		t.Fatalf("got status %d, %v: %s", a.status, err, a.body)
	}
	if *definition.Id != definitionID || *definition.Url != definitionURL || definition.Code != "get-report-job-status" ||
		!definition.System || definition.Type || definition.Instance || *definition.AffectsState || *definition.Description == "" {
		t.Errorf("got %s", a.body)
	}
	out := 0
	for _, p := range definition.Parameter {
		if p.Use == models.OperationParameterUseIn {
			if p.Min != 0 {
				t.Errorf("input %s is mandatory", p.Name)
			}
			continue
		}
		out++
		if p.Name != "return" || p.Min != 0 || p.Max != "1" || *p.Type != "Bundle" {
			t.Errorf("output %+v", p)
		}
	}
	if out != 1 {
		t.Errorf("got %d outputs, want 1", out)
	}
	for _, id := range []string{"x", "get-report-job-status", strings.ToUpper(definitionID), strings.Repeat("x", 500)} {
		missing := server.do(t, request{method: "GET", path: "/OperationDefinition/" + id})
		issue := missing.isOutcome(t, http.StatusNotFound, models.IssueTypeNotFound)
		if *issue.Details.Coding[0].Code != "GENERAL_RESOURCE_NOT_FOUND" {
			t.Errorf("got %s", missing.body)
		}
	}
}

// operations returns the names of the operations in the CapabilityStatement.
func (s target) operations(t testing.TB) (names []string) {
	t.Helper()
	statement, err := models.UnmarshalCapabilityStatement(s.do(t, request{method: "GET", path: "/metadata"}).body)
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range statement.Rest[0].Operation {
		names = append(names, operation.Name)
	}
	return names
}

// found is a searchset.
type found struct {
	ResourceType, Type string
	Total              *int
	Entry              []struct {
		Resource struct{ ResourceType, ID string }
	}
}

func TestW113_OperationDefinitionsAreSearchable(t *testing.T) {
	t.Parallel()
	server := shared(t)
	all := len(server.operations(t))
	const former = "https://reporting.devtest.systematic-ehealth.com/fhir/OperationDefinition/" + definitionID
	for query, want := range map[string]int{
		"": all, "url=": all, "url=" + definitionURL: 1, "url=" + url.QueryEscape(definitionURL): 1, "code=get-report-job-status": 1,
		"url=" + former: 1, "url=" + url.QueryEscape(former): 1, "url=x," + former: 1,
		"code=get-report-job-status&url=" + definitionURL: 1, "code=x,get-report-job-status": 1, "code=|get-report-job-status": 1,
		"code=get-report-job-status&code=x": 0, "code=x": 0, "url=x": 0, "code=get-report-job-status&url=x": 0,
		"url=https://x.example/fhir/OperationDefinition/" + definitionID: 0,
	} {
		form := request{method: "POST", path: "/OperationDefinition/_search", body: query}.with("Content-Type", "application/x-www-form-urlencoded")
		for _, r := range []request{{method: "GET", path: "/OperationDefinition?" + query}, form, {method: "POST", path: "/OperationDefinition/_search?" + query}} {
			a := server.do(t, r)
			var bundle found
			if err := json.Unmarshal(a.body, &bundle); err != nil {
				t.Fatalf("%v: %s", err, a.body)
			}
			if a.status != http.StatusOK || bundle.ResourceType != "Bundle" || bundle.Type != "searchset" || len(bundle.Entry) != want || *bundle.Total != want {
				t.Errorf("%s %q: got status %d, %s", r.method, query, a.status, a.body)
			}
			if want == 1 && bundle.Entry[0].Resource.ID != definitionID {
				t.Errorf("%s %q: %s", r.method, query, a.body)
			}
		}
	}
	strict := request{method: "GET", path: "/OperationDefinition?name=x"}
	if a := server.do(t, strict); a.status != http.StatusOK {
		t.Errorf("an unknown search parameter: got status %d", a.status)
	}
	server.do(t, strict.with("Prefer", "handling=strict")).isOutcome(t, http.StatusBadRequest, models.IssueTypeNotSupported)
	modified := request{method: "GET", path: "/OperationDefinition?url:below=http://x.example"}
	server.do(t, modified).isOutcome(t, http.StatusBadRequest, models.IssueTypeNotSupported)
	modified.path += "&code:text=y"
	if issues := server.do(t, modified).hasIssues(t, http.StatusBadRequest); len(issues) != 2 {
		t.Errorf("got %d issues for two modifiers, want 2", len(issues))
	}
	form := request{method: "POST", path: "/OperationDefinition/_search", body: "code=x&_format=application/fhir%2Bxml;fhirVersion=4.0"}.with("Content-Type", "application/x-www-form-urlencoded")
	if a := server.do(t, form); a.status != http.StatusOK || a.header.Get("Content-Type") != labelXML {
		t.Errorf("_format in a form: got status %d, %q", a.status, a.header.Get("Content-Type"))
	}
	form.body = "code=" + strings.Repeat("x", 10_000)
	server.do(t, form).isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
	labelled := request{method: "POST", path: "/OperationDefinition/_search", body: `{"code":"x"}`}.with("Content-Type", fhirJSON)
	server.do(t, labelled).isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
}
