// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"reporting/internal/auth"
	"reporting/internal/telemetry"
)

// Endpoint is what answers callers who have shown a token.
type Endpoint struct {
	Label string // in the log, the metrics and the audit trail
	Event string // for the audit trail; empty: obs.AuditRead
	// Authorize tells whether the caller may; nil: everybody who has a token. It is asked
	// before anything of the request is read.
	Authorize func(caller auth.Principal) error
	// AnyAccept is for what has more formats to offer than a resource has: what Accept
	// says is the endpoint's own affair.
	AnyAccept bool
	// Serve answers a call, and says how many records of the caller's its answer
	// holds, for the audit. An error becomes an OperationOutcome; when the answer has
	// begun, the number is how many it was about to hold.
	Serve func(w http.ResponseWriter, r *http.Request, call Call) (disclosed int, err error)
}

// Route is an address that is no operation: which endpoint answers which method.
type Route struct {
	Path    string // below the base, as chi takes it: /Binary/{id}
	Methods map[string]Endpoint
}

// PathValue is what stands in a place of Route.Path.
func PathValue(r *http.Request, name string) string { return chi.URLParam(r, name) }

func (s *server) mountRoute(r chi.Router, route Route) {
	m := methods{}
	for method, endpoint := range route.Methods {
		m[method] = s.endpoint(endpoint, nil)
	}
	s.mount(r, route.Path, route.Methods[http.MethodGet].Label, m)
}

// endpoint checks in the order that the contract gives: token, role, limits,
// negotiation, body.
func (s *server) endpoint(o Endpoint, read func(http.ResponseWriter, *http.Request, *Call) error) handler {
	if o.Event == "" {
		o.Event = telemetry.AuditRead
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost && r.ContentLength != 0 {
			// Or net/http waits, before the first byte of the answer, for a body that
			// nobody reads, and a database connection waits with it.
			w.Header().Set("Connection", "close")
		}
		e := exchangeOf(r.Context())
		e.operation = o.Label
		caller, err := s.authenticate(r, e.trace)
		if err != nil {
			return err
		}
		e.userID = caller.UserID
		if o.Authorize != nil {
			if err := o.Authorize(caller); err != nil {
				return err
			}
		}
		place, err := s.limits.enter(w, r, caller.UserID)
		if err != nil {
			return err
		}
		defer place.release()
		if e.refusal != nil && !o.AnyAccept {
			return e.refusal
		}
		call := Call{Caller: caller, Choice: e.choice, RequestID: e.id, place: place, trace: e.trace}
		if err := checkQuery(e); err != nil {
			return err
		}
		if read != nil {
			if err := read(w, r, &call); err != nil {
				return err
			}
		}
		return s.serve(w, r, o, call)
	}
}
