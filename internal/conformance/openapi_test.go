// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/api"
)

// description is the OpenAPI document, read once.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	for _, mediaType := range []string{"application/fhir+json", "text/json"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.JSONBodyDecoder)
	}
	for _, mediaType := range []string{"application/fhir+xml", "application/xml", "text/xml"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.PlainBodyDecoder)
	}
	for _, mediaType := range []string{"application/gzip-json", "multipart/byteranges"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.FileBodyDecoder)
	}
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	return document, document.Validate(loader.Context)
})

// matchesOpenAPI checks a response against the OpenAPI document, if the document has the
// path and the method. It skips bodies that are compressed or longer than 1 MiB.
func (s target) matchesOpenAPI(t testing.TB, r request, a response) {
	t.Helper()
	document, err := description()
	if err != nil {
		t.Fatalf("api/openapi.yaml: %v", err)
	}
	path, _, _ := strings.Cut(r.path, "?")
	path, parameters := template(path)
	item := document.Paths.Find(path)
	if item == nil || item.GetOperation(r.method) == nil || s.base == s.ops {
		return
	}
	const large = 1 << 20 // bytes; longer bodies take too long to check
	options := &openapi3filter.Options{IncludeResponseStatus: true}
	options.ExcludeResponseBody = len(a.body) == 0 || len(a.body) > large || a.header.Get("Content-Encoding") != ""
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: s.build(t, r), PathParams: parameters, Options: options,
			Route: &routers.Route{Spec: document, Path: path, PathItem: item, Method: r.method, Operation: item.GetOperation(r.method)},
		},
		Status: a.status, Header: a.header, Body: readCloser{bytes.NewReader(a.body)}, Options: options,
	})
	if err != nil {
		t.Errorf("%s %s does not match api/openapi.yaml: %v", r.method, r.path, err)
	}
}

// templates are the paths with parameters, and patterns that match them.
var templates = []struct {
	path  string
	named *regexp.Regexp
}{
	{"/OperationDefinition/{id}", regexp.MustCompile(`^/OperationDefinition/(?P<id>.*[^/])$`)},
	{"/Binary/{id}/_history/{version}", regexp.MustCompile(`^/Binary/(?P<id>[^/]+)/_history/(?P<version>[^/]+)$`)},
	{"/Binary/{id}", regexp.MustCompile(`^/Binary/(?P<id>[^/]+)$`)},
	{"/report-jobs/{job}", regexp.MustCompile(`^/report-jobs/(?P<job>[^/]+)$`)},
	{"/$fetch-{report}", regexp.MustCompile(`^/\$fetch-(?P<report>[^/]+)$`)},
	{"/$execute-{report}", regexp.MustCompile(`^/\$execute-(?P<report>[^/]+)$`)},
	{"/$schedule-{report}", regexp.MustCompile(`^/\$schedule-(?P<report>[^/]+)$`)},
}

// template returns the path in the document and the parameters of a path.
func template(path string) (name string, parameters map[string]string) {
	parameters = map[string]string{}
	if path == "/OperationDefinition/_search" {
		return path, parameters
	}
	for _, t := range templates {
		if m := t.named.FindStringSubmatch(path); m != nil {
			for i, group := range t.named.SubexpNames()[1:] {
				parameters[group] = m[i+1]
			}
			return t.path, parameters
		}
	}
	return path, parameters
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// The document has the paths of the service and the inputs of the OperationDefinition.
func TestOpenAPIMatchesTheService(t *testing.T) {
	t.Parallel()
	document, err := description()
	if err != nil {
		t.Fatal(err)
	}
	server := shared(t)
	statement, err := models.UnmarshalCapabilityStatement(server.do(t, request{method: "GET", path: "/metadata"}).body)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"/metadata": true}
	for _, o := range statement.Rest[0].Operation {
		path, _ := template("/$" + o.Name)
		want[path] = true
	}
	for _, r := range statement.Rest[0].Resource {
		path := "/" + r.Type.Code()
		for _, i := range r.Interaction {
			switch i.Code {
			case models.TypeRestfulInteractionRead:
				want[path+"/{id}"] = true
			case models.TypeRestfulInteractionVread:
				want[path+"/{id}/_history/{version}"] = true
			case models.TypeRestfulInteractionSearchType:
				want[path], want[path+"/_search"] = true, true
			}
		}
	}
	if want["/$execute-{report}"] {
		want["/report-jobs/{job}"] = true // not a path of FHIR
	}
	got := map[string]bool{}
	for _, path := range document.Paths.InMatchingOrder() {
		got[path] = true
	}
	if diff := cmp.Diff(want, got); diff != "" && (!isRemote() || want["/$execute-{report}"]) {
		t.Errorf("paths (-service +document)\n%s", diff)
	}
	concrete := strings.NewReplacer("OperationDefinition/{id}", "OperationDefinition/"+definitionID, "{id}", "1", "{version}", "1",
		"{job}", uuid.NewString(), "{report}", "patient-usage-stats")
	for path, item := range document.Paths.Map() {
		if !want[path] {
			continue // a server without reports
		}
		var described []string
		for method := range item.Operations() {
			described = append(described, method)
		}
		allowed := strings.Split(server.do(t, request{method: "OPTIONS", path: concrete.Replace(path)}).header.Get("Allow"), ", ")
		allowed = slices.DeleteFunc(allowed, func(method string) bool { return method == http.MethodOptions })
		slices.Sort(allowed)
		slices.Sort(described)
		if diff := cmp.Diff(allowed, described); diff != "" {
			t.Errorf("methods of %s (-service +document)\n%s", path, diff)
		}
	}

	definition, err := models.UnmarshalOperationDefinition(server.do(t, request{method: "GET", path: "/OperationDefinition/" + definitionID}).body)
	if err != nil {
		t.Fatal(err)
	}
	var inputs, described []string
	for _, p := range definition.Parameter {
		if p.Use == models.OperationParameterUseIn {
			inputs = append(inputs, p.Name)
		}
	}
	for _, p := range document.Paths.Find(operation).Operations()[http.MethodPost].Parameters {
		if p.Value.In == openapi3.ParameterInQuery && !slices.Contains([]string{"_format", "_pretty", "_summary", "_elements"}, p.Value.Name) {
			described = append(described, p.Value.Name)
		}
	}
	if diff := cmp.Diff(inputs, described); diff != "" || len(inputs) != 4 {
		t.Errorf("inputs (-service +document)\n%s", diff)
	}
}
