// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"
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
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	return document, document.Validate(loader.Context)
})

// described holds an answer against the OpenAPI document, where that has the path
// and the method. What tests ask with do comes by here; bodies that are compressed
// or very long are left out.
func (s target) described(t testing.TB, r request, a answer) {
	t.Helper()
	document, err := description()
	if err != nil {
		t.Fatalf("api/openapi.yaml: %v", err)
	}
	path, _, _ := strings.Cut(r.path, "?")
	parameters := map[string]string{}
	if id, ok := strings.CutPrefix(path, "/OperationDefinition/"); ok && id != "" && id != "_search" {
		path, parameters["id"] = "/OperationDefinition/{id}", id
	}
	item := document.Paths.Find(path)
	if item == nil || item.GetOperation(r.method) == nil || s.base == s.ops {
		return
	}
	const large = 1 << 20 // would take longer to check than it is worth
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
		t.Errorf("api/openapi.yaml describes %s %s otherwise: %v", r.method, r.path, err)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// The document has the addresses that the service has, and the inputs that the
// operation's definition has.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := description()
	if err != nil {
		t.Fatal(err)
	}
	server := shared(t)
	var statement struct {
		Rest []struct {
			Operation []struct{ Name string }
			Resource  []struct{ Type string }
		}
	}
	if err := json.Unmarshal(server.do(t, request{method: "GET", path: "/metadata"}).body, &statement); err != nil {
		t.Fatal(err)
	}
	want := []string{"/metadata"}
	for _, o := range statement.Rest[0].Operation {
		want = append(want, "/$"+o.Name)
	}
	for _, r := range statement.Rest[0].Resource {
		want = append(want, "/"+r.Type, "/"+r.Type+"/_search", "/"+r.Type+"/{id}")
	}
	got := document.Paths.InMatchingOrder()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-service +document)\n%s", diff)
	}
	for path, item := range document.Paths.Map() {
		concrete := strings.ReplaceAll(path, "{id}", definitionID)
		allowed := server.do(t, request{method: "OPTIONS", path: concrete}).header.Get("Allow")
		for method := range item.Operations() {
			if !strings.Contains(allowed, method) {
				t.Errorf("%s %s: the service allows %s", method, path, allowed)
			}
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
