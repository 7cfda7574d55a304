// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// mount routes one path: its methods, OPTIONS, and 405 for everything else.
func (s *server) mount(r chi.Router, path, label string, m methods) {
	allow, pattern := allowed(m), s.mountPath+path
	route := s.funnel.wrap(func(w http.ResponseWriter, r *http.Request) error {
		e := exchangeOf(r.Context())
		e.operation, e.route = label, pattern
		if h, ok := m[r.Method]; ok {
			return h(w, r)
		}
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return problem(http.StatusMethodNotAllowed, models.IssueTypeNotSupported,
			fmt.Sprintf("This address does not support %.16s. It supports %s.", r.Method, allow)).with("Allow", allow)
	})
	r.Handle(path, route)
	s.routes[path] = route
}

// allowed lists the methods of a path, for the Allow header.
func allowed(m methods) string {
	var names []string
	for _, name := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if _, ok := m[name]; ok {
			names = append(names, name)
		}
	}
	return strings.Join(append(names, http.MethodOptions), ", ")
}

// notFound names the last segment only: that is where a misspelled operation
// stands, and all that a person needs to see of the address.
func (s *server) notFound(_ http.ResponseWriter, r *http.Request) error {
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	return problem(http.StatusNotFound, models.IssueTypeNotSupported,
		fmt.Sprintf("There is nothing at this address, which ends in %.64q. %s/metadata lists what there is.", last, s.base))
}

// unroutedMethod answers methods that chi does not know, which it reports
// before it looks at the path: 405 where there is a route, else 404.
func (s *server) unroutedMethod(router *chi.Mux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pattern := router.Find(chi.NewRouteContext(), http.MethodGet, r.URL.Path)
		if route, ok := s.routes[strings.TrimPrefix(pattern, s.mountPath)]; ok {
			route.ServeHTTP(w, r)
			return
		}
		s.funnel.wrap(s.notFound).ServeHTTP(w, r)
	}
}
