// SPDX-License-Identifier: Apache-2.0

// Package metadata is the description that the service gives of itself: CapabilityStatement
// and OperationDefinitions. It knows no token and no database. internal/app adds its routes
// to the API.
package metadata

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/negotiation"
)

// Labels of the endpoints in the log and the metrics.
const (
	labelMetadata = "metadata"
	labelRead     = "OperationDefinition-read"
	labelSearch   = "OperationDefinition-search"
)

// metadata describes the server to every client: no token, no database.
type metadata struct {
	base         string // public base URL, without a slash at its end
	operations   []fhir.Operation
	capabilities documents
	definitions  map[string]documents // by id
}

// Routes returns the routes that describe a server with these operations. It fills in
// about.Operations.
func Routes(about fhir.Server, operations []httpapi.Operation) ([]httpapi.Route, error) {
	about.Base = strings.TrimSuffix(about.Base, "/")
	for _, operation := range operations {
		if !operation.Unlisted {
			about.Operations = append(about.Operations, operation.Operation)
		}
	}
	m := &metadata{base: about.Base, operations: about.Operations, definitions: map[string]documents{}}
	var err error
	if m.capabilities, err = newDocuments(about.CapabilityStatement()); err != nil {
		return nil, fmt.Errorf("encode CapabilityStatement: %w", err)
	}
	for _, o := range about.Operations {
		if m.definitions[o.ID()], err = newDocuments(o.Definition()); err != nil {
			return nil, fmt.Errorf("encode OperationDefinition of %s: %w", o.Name, err)
		}
	}
	get := func(label string, anyAccept bool, serve func(http.ResponseWriter, *httpapi.Request) error) map[string]httpapi.Endpoint {
		e := endpoint(label, anyAccept, serve)
		return map[string]httpapi.Endpoint{http.MethodGet: e, http.MethodHead: e}
	}
	return []httpapi.Route{
		{Path: "/metadata", Methods: get(labelMetadata, true, m.describe)},
		{Path: "/OperationDefinition", Methods: get(labelSearch, false, m.search)},
		{Path: "/OperationDefinition/_search", Methods: map[string]httpapi.Endpoint{
			http.MethodPost: endpoint(labelSearch, true, m.searchForm),
		}},
		{Path: "/OperationDefinition/{id}", Methods: get(labelRead, false, m.read)},
	}, nil
}

func endpoint(label string, anyAccept bool, serve func(http.ResponseWriter, *httpapi.Request) error) httpapi.Endpoint {
	return httpapi.Endpoint{Label: label, Public: true, AnyAccept: anyAccept, Serve: func(w http.ResponseWriter, r *httpapi.Request) (int, error) {
		return 0, serve(w, r)
	}}
}

// describe responds with the CapabilityStatement whatever Accept says, because this is where
// a client learns which formats there are. Only _format can be refused.
func (m *metadata) describe(w http.ResponseWriter, r *httpapi.Request) error {
	if errors.Is(r.Refusal, negotiation.ErrFormat) {
		return r.Refusal
	}
	return m.capabilities.serve(w, r)
}

func (m *metadata) read(w http.ResponseWriter, r *httpapi.Request) error {
	id := r.PathValue("id")
	definition, ok := m.definitions[id]
	if !ok {
		return &httpapi.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
			Code: models.IssueTypeNotFound, MessageCode: "GENERAL_RESOURCE_NOT_FOUND",
			Diagnostics: fmt.Sprintf("Resource OperationDefinition with id %.64s is not found.", id),
		}}}
	}
	return definition.serve(w, r)
}

// search responds to OperationDefinition?url=…&code=… (FHIR R4 search.html, section 3.1.1.3):
// parameters combine with AND, commas within one with OR.
func (m *metadata) search(w http.ResponseWriter, r *httpapi.Request) error {
	if err := r.CheckQuery(); err != nil {
		return err
	}
	var issues fhir.Issues
	if r.Strict() {
		httpapi.Ignored(r.Query, &issues, "code", "url")
	}
	if len(issues) == 0 {
		modified(r.Query, &issues)
	}
	if len(issues) > 0 {
		return httpapi.Invalid(issues)
	}
	var found []fhir.Operation
	for _, o := range m.operations {
		if matchesAll(r.Query["url"], o.URLs()...) && matchesAll(r.Query["code"], o.Name, "|"+o.Name) {
			found = append(found, o)
		}
	}
	bundle, err := fhir.Searchset(m.base, m.base+"/OperationDefinition"+self(r.Query), found)
	if err != nil {
		return err
	}
	response, err := newDocument(bundle, r.Choice.Style)
	if err != nil {
		return err
	}
	return response.serve(w, r)
}

// modified adds an issue for each search parameter with a modifier. None is supported, and
// none may be ignored (FHIR R4 search.html, section 3.1.1.3.1).
func modified(query url.Values, issues *fhir.Issues) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if base, _, ok := strings.Cut(name, ":"); ok && (base == "code" || base == "url") {
			issues.Add(httpapi.Unsupported(name, ""))
		}
	}
}

// searchForm responds to a search whose parameters are in the body, the URL or both.
func (m *metadata) searchForm(w http.ResponseWriter, r *httpapi.Request) error {
	if err := r.ReadForm(w); err != nil {
		return err
	}
	return m.search(w, r)
}

// matchesAll returns true if each comma-separated list contains one of the spellings. A code
// without a system is also written with a bar before it.
func matchesAll(lists []string, spellings ...string) bool {
	for _, list := range lists {
		found := list == "" // an empty value selects everything
		for alternative := range strings.SplitSeq(list, ",") {
			found = found || slices.Contains(spellings, alternative)
		}
		if !found {
			return false
		}
	}
	return true
}

// self returns the query of the self link: the supported parameters.
func self(query url.Values) string {
	used := url.Values{}
	for _, name := range []string{"code", "url"} {
		if values, ok := query[name]; ok {
			used[name] = values
		}
	}
	if len(used) == 0 {
		return ""
	}
	return "?" + used.Encode()
}
