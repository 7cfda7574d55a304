// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
)

// metadata is what the server tells about itself, to anybody: no token, no
// database.
type metadata struct {
	base         string
	operations   []fhir.Operation
	capabilities document
	definitions  map[string]document // by id
}

func newMetadata(about fhir.Server) (*metadata, error) {
	m := &metadata{base: about.Base, operations: about.Operations, definitions: map[string]document{}}
	var err error
	if m.capabilities, err = newDocument(about.CapabilityStatement()); err != nil {
		return nil, fmt.Errorf("write CapabilityStatement: %w", err)
	}
	for _, o := range about.Operations {
		if m.definitions[o.ID()], err = newDocument(o.Definition()); err != nil {
			return nil, fmt.Errorf("write OperationDefinition of %s: %w", o.Name, err)
		}
	}
	return m, nil
}

// mount adds the routes.
func (m *metadata) mount(s *server, r chi.Router) {
	s.mount(r, "/metadata", labelMetadata, readOnly(m.capabilities.serve))
	s.mount(r, "/OperationDefinition", labelSearch, readOnly(m.search))
	s.mount(r, "/OperationDefinition/{id}", labelRead, readOnly(m.read))
}

func readOnly(h handler) methods {
	return methods{http.MethodGet: h, http.MethodHead: h}
}

func (m *metadata) read(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	definition, ok := m.definitions[id]
	if !ok {
		p := problem(http.StatusNotFound, models.IssueTypeNotFound,
			fmt.Sprintf("Resource OperationDefinition with id %.64s is not found.", id))
		p.Issue.MessageCode = "GENERAL_RESOURCE_NOT_FOUND"
		return p
	}
	return definition.serve(w, r)
}

// search answers OperationDefinition?url=…&code=… (FHIR search.html, section
// 3.1.1.3): each parameter narrows, and commas within one widen.
func (m *metadata) search(w http.ResponseWriter, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The query of the address cannot be read.")
	}
	var found []fhir.Operation
	for _, o := range m.operations {
		if matchesAll(query["url"], o.URL()) && matchesAll(query["code"], o.Name, "|"+o.Name) {
			found = append(found, o)
		}
	}
	bundle, err := fhir.Searchset(m.base, m.base+"/OperationDefinition"+self(query), found)
	if err != nil {
		return err
	}
	answer, err := newDocument(bundle)
	if err != nil {
		return err
	}
	return answer.serve(w, r)
}

// matchesAll tells whether each list of alternatives has one of the spellings. A
// code without a system is also written with a bar before it.
func matchesAll(lists []string, spellings ...string) bool {
	for _, list := range lists {
		found := false
		for alternative := range strings.SplitSeq(list, ",") {
			found = found || slices.Contains(spellings, alternative)
		}
		if !found {
			return false
		}
	}
	return true
}

// self repeats the parameters that were understood, as a search's self link does.
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
