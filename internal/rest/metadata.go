// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

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

// Mount adds the routes.
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

// search answers OperationDefinition?url=…&code=…: each name narrows, several
// values of one name widen, and without either all are found.
func (m *metadata) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	var found []fhir.Operation
	for _, o := range m.operations {
		if anyOf(query["url"], o.URL()) && anyOf(query["code"], o.Name) {
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

func anyOf(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
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
