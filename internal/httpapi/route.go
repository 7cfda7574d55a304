// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// path serves the methods of one path, OPTIONS, and 405 for every other method.
type path struct {
	server         *server
	methods        map[string]*Endpoint
	label, pattern string
	allow          string // the Allow header
}

func (s *server) mount(r chi.Router, pattern, label string, endpoints map[string]Endpoint) {
	p := &path{server: s, methods: map[string]*Endpoint{}, label: label, pattern: s.mountPath + pattern, allow: allowed(endpoints)}
	for method, e := range endpoints {
		p.methods[method] = &e
	}
	r.Handle(pattern, p)
	s.paths[pattern] = p
}

// ServeHTTP implements http.Handler.
func (p *path) ServeHTTP(_ http.ResponseWriter, routed *http.Request) {
	r := requestOf(routed.Context())
	r.Request = routed // its path values are set
	r.operation, r.route = p.label, p.pattern
	defer p.server.recoverPanic(r)
	var err error
	if e, ok := p.methods[r.Method]; ok {
		err = p.server.serve(r, e)
	} else {
		err = p.options(r)
	}
	if err != nil {
		p.server.fail(r, err)
	}
}

// options responds to OPTIONS, and returns a 405 Problem for every other method.
func (p *path) options(r *Request) error {
	if r.Method == http.MethodOptions {
		r.recorder.Header().Set("Allow", p.allow)
		r.recorder.WriteHeader(http.StatusNoContent)
		return nil
	}
	return problem(http.StatusMethodNotAllowed, models.IssueTypeNotSupported,
		fmt.Sprintf("This address does not support %.16s. It supports %s.", r.Method, p.allow)).with("Allow", p.allow)
}

// allowed returns the methods of a path, for the Allow header.
func allowed(endpoints map[string]Endpoint) string {
	var names []string
	for _, name := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if _, ok := endpoints[name]; ok {
			names = append(names, name)
		}
	}
	return strings.Join(append(names, http.MethodOptions), ", ")
}

// notFound responds 404. It names the last path segment only, where a misspelled operation is.
func (s *server) notFound(_ http.ResponseWriter, r *http.Request) {
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	s.fail(requestOf(r.Context()), problem(http.StatusNotFound, models.IssueTypeNotSupported,
		fmt.Sprintf("There is nothing at this address, which ends in %.64q. %s/metadata lists what there is.", last, s.base)))
}

// unroutedMethod responds to methods that chi does not know, which chi reports before it
// matches the path: 405 where there is a route, else 404.
func (s *server) unroutedMethod(router *chi.Mux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pattern := router.Find(chi.NewRouteContext(), http.MethodGet, r.URL.Path)
		if p, ok := s.paths[strings.TrimPrefix(pattern, s.mountPath)]; ok {
			p.ServeHTTP(w, r)
			return
		}
		s.notFound(w, r)
	}
}
