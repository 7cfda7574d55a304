// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
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
	Audit                   *telemetry.Audit      // nil: no audit records
	Pseudonyms              *telemetry.Pseudonyms // stand for users in the log
	Log                     *slog.Logger
	Metrics                 *telemetry.Metrics
	Tracer                  *tracing.Tracer // nil: no spans
	Draining                func() bool     // whether the service is about to stop
	Now                     func() time.Time
}

// server is what handlers share.
type server struct {
	funnel      funnel
	auth        auth.Authenticator
	limits      *limits
	maxBody     int64
	corsOrigins []string
	audit       *telemetry.Audit
	pseudonyms  *telemetry.Pseudonyms
	log         *slog.Logger
	metrics     *telemetry.Metrics
	tracer      *tracing.Tracer
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
		s.pseudonyms = telemetry.NewPseudonyms("")
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
