// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"reporting/internal/auth"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
)

// Options configure the API.
type Options struct {
	Base        *url.URL // public base URL; its path is where routes are mounted
	Auth        auth.Authenticator
	Operations  []Operation // the registry
	Routes      []Route     // paths that are no operation
	MaxBody     int64       // bytes
	CORSOrigins []string    // none: no CORS
	// MaxConcurrent is the number of concurrent calls, UserRate the number of calls per user
	// and second; 0: no limit.
	MaxConcurrent, UserRate int
	Audit                   *telemetry.Audit      // nil: no audit records
	Pseudonyms              *telemetry.Pseudonyms // of users in the log
	Log                     *slog.Logger
	Metrics                 *telemetry.Metrics
	Tracer                  *tracing.Tracer // nil: no spans
	Draining                func() bool     // whether the service is stopping
	Now                     func() time.Time
}

// server is the http.Handler of the API listener.
type server struct {
	auth        auth.Authenticator
	limits      *limits
	maxBody     int64
	audit       *telemetry.Audit
	pseudonyms  *telemetry.Pseudonyms
	log         *slog.Logger
	metrics     *telemetry.Metrics
	tracer      *tracing.Tracer
	draining    func() bool
	now         func() time.Time
	base        string // public base URL, without a slash at its end
	mountPath   string
	paths       map[string]*path // by pattern below mountPath
	router      *chi.Mux
	vary        []string
	plain       http.Handler // CORS, then dispatch
	compressing http.Handler // CORS, compression, then dispatch
}

// New returns the handler of the API listener.
func New(o Options) (http.Handler, error) {
	s := &server{
		auth: o.Auth, limits: newLimits(o), maxBody: o.MaxBody,
		audit: o.Audit, pseudonyms: o.Pseudonyms, log: o.Log, metrics: o.Metrics, tracer: o.Tracer,
		draining: o.Draining, now: o.Now, paths: map[string]*path{}, router: chi.NewRouter(),
		base:      strings.TrimSuffix(o.Base.String(), "/"),
		mountPath: strings.TrimSuffix(o.Base.Path, "/"),
		vary:      []string{"Accept, Accept-Encoding, Authorization"},
	}
	if len(o.CORSOrigins) > 0 {
		s.vary[0] += ", Origin"
	}
	if s.pseudonyms == nil {
		s.pseudonyms = telemetry.NewPseudonyms("")
	}
	s.router.NotFound(s.notFound)
	s.router.MethodNotAllowed(s.unroutedMethod(s.router))
	mount := func(r chi.Router) {
		for _, operation := range o.Operations {
			s.mount(r, "/$"+operation.Name, operation.Name, operation.methods())
		}
		for _, route := range o.Routes {
			s.mount(r, route.Path, route.label(), route.Methods)
		}
	}
	if s.mountPath == "" {
		mount(s.router)
	} else {
		s.router.Route(s.mountPath, mount)
	}
	dispatch := http.HandlerFunc(s.dispatch)
	compressed, err := compress(dispatch)
	if err != nil {
		return nil, err
	}
	s.plain, s.compressing = allowOrigins(o.CORSOrigins, dispatch), allowOrigins(o.CORSOrigins, compressed)
	return s, nil
}

// ServeHTTP implements http.Handler. It gives the request its id and its common headers, and
// logs and counts it when it ends, however it ends.
func (s *server) ServeHTTP(w http.ResponseWriter, received *http.Request) {
	r := newRequest(w, received)
	r.start = s.now()
	ctx, trace := s.tracer.Begin(received.Context(), received.Header)
	r.trace = trace
	s.setHeaders(w.Header(), r.ID)
	defer s.observe(r)
	next := s.compressing
	if r.Method == http.MethodHead { // no body to compress
		next = s.plain
	}
	next.ServeHTTP((*connection)(&r.recorder), received.WithContext(context.WithValue(ctx, requestKey{}, r)))
}

// dispatch checks the size and the path of a request and routes it. It runs inside CORS and
// compression, and overwrites the Vary headers that they add one by one.
func (s *server) dispatch(w http.ResponseWriter, received *http.Request) {
	r := requestOf(received.Context())
	r.Request, r.recorder.out = received, w
	w.Header()["Vary"] = s.vary
	if err := checkSize(received); err != nil {
		s.fail(r, err)
		return
	}
	s.router.ServeHTTP(w, normalise(received))
}
