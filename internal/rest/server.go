// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/trace"
)

// Options are what the API is made of.
type Options struct {
	Base        *url.URL // public base URL; its path is where routes are mounted
	Auth        auth.Authenticator
	Operations  []Operation // the registry
	Routes      []Route     // what is no operation
	About       fhir.Server // its Base and Operations are filled in here
	MaxBody     int64       // bytes
	CORSOrigins []string    // none: no CORS
	// MaxConcurrent is how many calls may be at work at a time, UserRate how often a
	// user may call in a second; 0: any number.
	MaxConcurrent, UserRate int
	Audit                   *obs.Audit      // nil: no audit records
	Pseudonyms              *obs.Pseudonyms // stand for users in the log
	Log                     *slog.Logger
	Metrics                 *obs.Metrics
	Tracer                  *trace.Tracer // nil: no spans
	Draining                func() bool   // whether the service is about to stop
	Now                     func() time.Time
}

// server is what handlers share.
type server struct {
	funnel      funnel
	auth        auth.Authenticator
	limits      *limits
	maxBody     int64
	corsOrigins []string
	audit       *obs.Audit
	pseudonyms  *obs.Pseudonyms
	log         *slog.Logger
	metrics     *obs.Metrics
	tracer      *trace.Tracer
	draining    func() bool
	now         func() time.Time
	base        string // public base URL, without a slash at its end
	mountPath   string
	routes      map[string]http.Handler
}

// New returns the handler of the API listener.
func New(o Options) (http.Handler, error) {
	s := &server{
		funnel: funnel{log: o.Log}, auth: o.Auth, limits: newLimits(o), maxBody: o.MaxBody, corsOrigins: o.CORSOrigins,
		audit: o.Audit, pseudonyms: o.Pseudonyms, log: o.Log, metrics: o.Metrics, tracer: o.Tracer,
		draining: o.Draining, now: o.Now, routes: map[string]http.Handler{},
		base:      strings.TrimSuffix(o.Base.String(), "/"),
		mountPath: strings.TrimSuffix(o.Base.Path, "/"),
	}
	if s.pseudonyms == nil {
		s.pseudonyms = obs.NewPseudonyms("")
	}
	about := o.About
	about.Base = s.base
	about.CORS = len(o.CORSOrigins) > 0
	for _, operation := range o.Operations {
		if !operation.Unlisted {
			about.Operations = append(about.Operations, operation.Operation)
		}
	}
	self, err := newMetadata(about)
	if err != nil {
		return nil, err
	}

	router := chi.NewRouter()
	router.NotFound(s.funnel.wrap(s.notFound).ServeHTTP)
	router.MethodNotAllowed(s.unroutedMethod(router))
	mount := func(r chi.Router) {
		self.mount(s, r)
		for _, operation := range o.Operations {
			s.mount(r, "/$"+operation.Name, operation.Name, s.invocation(operation))
		}
		for _, route := range o.Routes {
			s.mountRoute(r, route)
		}
	}
	if s.mountPath == "" {
		mount(router)
	} else {
		router.Route(s.mountPath, mount)
	}

	handler, err := s.compress(s.vary(s.normalise(router)))
	if err != nil {
		return nil, err
	}
	return s.observe(s.secure(s.cors(handler))), nil
}
