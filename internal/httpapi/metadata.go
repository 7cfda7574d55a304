// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
)

// metadata is what the server tells about itself, to anybody: no token, no
// database.
type metadata struct {
	base         string
	operations   []fhir.Operation
	capabilities documents
	definitions  map[string]documents // by id
}

func newMetadata(about fhir.Server) (*metadata, error) {
	m := &metadata{base: about.Base, operations: about.Operations, definitions: map[string]documents{}}
	var err error
	if m.capabilities, err = newDocuments(about.CapabilityStatement()); err != nil {
		return nil, fmt.Errorf("write CapabilityStatement: %w", err)
	}
	for _, o := range about.Operations {
		if m.definitions[o.ID()], err = newDocuments(o.Definition()); err != nil {
			return nil, fmt.Errorf("write OperationDefinition of %s: %w", o.Name, err)
		}
	}
	return m, nil
}

// mount adds the routes.
func (m *metadata) mount(s *server, r chi.Router) {
	s.mount(r, "/metadata", labelMetadata, readOnly(m.describe))
	s.mount(r, "/OperationDefinition", labelSearch, readOnly(acceptable(m.search)))
	s.mount(r, "/OperationDefinition/_search", labelSearch, methods{http.MethodPost: m.searchForm(s)})
	s.mount(r, "/OperationDefinition/{id}", labelRead, readOnly(acceptable(m.read)))
}

func readOnly(h handler) methods {
	return methods{http.MethodGet: h, http.MethodHead: h}
}

// acceptable refuses requests that no format of ours would satisfy.
func acceptable(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := exchangeOf(r.Context()).refusal; err != nil {
			return err
		}
		return h(w, r)
	}
}

// describe answers whatever Accept says, since this is where a client learns which
// formats there are. Only _format, which is part of the address, is obeyed.
func (m *metadata) describe(w http.ResponseWriter, r *http.Request) error {
	if err := exchangeOf(r.Context()).refusal; errors.Is(err, negotiation.ErrFormat) {
		return err
	}
	return m.capabilities.serve(w, r)
}

func (m *metadata) read(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	definition, ok := m.definitions[id]
	if !ok {
		p := problem(http.StatusNotFound, models.IssueTypeNotFound,
			fmt.Sprintf("Resource OperationDefinition with id %.64s is not found.", id))
		p.Issues[0].MessageCode = "GENERAL_RESOURCE_NOT_FOUND"
		return p
	}
	return definition.serve(w, r)
}

// search answers OperationDefinition?url=…&code=… (FHIR search.html, section
// 3.1.1.3): each parameter narrows, and commas within one widen.
func (m *metadata) search(w http.ResponseWriter, r *http.Request) error {
	e := exchangeOf(r.Context())
	if err := checkQuery(e); err != nil {
		return err
	}
	var issues fhir.Issues
	if strict(r) {
		ignored(e.query, &issues, "code", "url")
	}
	if len(issues) == 0 {
		modified(e.query, &issues)
	}
	if len(issues) > 0 {
		return Invalid(issues)
	}
	var found []fhir.Operation
	for _, o := range m.operations {
		if matchesAll(e.query["url"], o.URLs()...) && matchesAll(e.query["code"], o.Name, "|"+o.Name) {
			found = append(found, o)
		}
	}
	bundle, err := fhir.Searchset(m.base, m.base+"/OperationDefinition"+self(e.query), found)
	if err != nil {
		return err
	}
	answer, err := newDocument(bundle, e.choice.Style)
	if err != nil {
		return err
	}
	return answer.serve(w, r)
}

// modified adds search parameters with a modifier. None is known, and none must be
// ignored (FHIR R4 search.html, section 3.1.1.3.1).
func modified(query url.Values, issues *fhir.Issues) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if base, _, ok := strings.Cut(name, ":"); ok && (base == "code" || base == "url") {
			issues.Add(unknown(name, ""))
		}
	}
}

// formTimeout is how long a form may take to arrive: strangers send them.
const formTimeout = 5 * time.Second

// searchForm answers a search whose parameters are in the body, in the address or
// in both (FHIR R4 http.html, section 3.1.0.11).
func (m *metadata) searchForm(s *server) handler {
	const formType = "application/x-www-form-urlencoded"
	return func(w http.ResponseWriter, r *http.Request) error {
		// As much as an address may hold: the answer repeats it, and no token is asked for.
		room := s.limits.room(w, maxURL)
		defer room.free()
		room.hurry(formTimeout)
		body, err := receive(w, r, room)
		if err != nil {
			return err
		}
		if name, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !blank(body) && !strings.EqualFold(strings.TrimSpace(name), formType) {
			return unsupportedMediaType("The body's Content-Type is not supported. Send search parameters as "+formType+".", formType)
		}
		form, err := parseQuery(string(body))
		if err != nil {
			return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The form in the body cannot be read.").because(err)
		}
		e := exchangeOf(r.Context())
		for name, values := range form {
			e.query[name] = append(e.query[name], values...)
		}
		// _format may have been in the form.
		if e.choice, e.refusal = negotiation.Choose(r.Header.Values("Accept"), e.query); e.refusal != nil {
			return e.refusal
		}
		return m.search(w, r)
	}
}

// matchesAll tells whether each list of alternatives has one of the spellings. A
// code without a system is also written with a bar before it.
func matchesAll(lists []string, spellings ...string) bool {
	for _, list := range lists {
		found := list == "" // asks for nothing
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
