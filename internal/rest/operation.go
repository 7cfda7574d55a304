// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/rest/negotiation"
)

// Operation is an entry of the operation registry: the description from which
// the routes, the CapabilityStatement and the OperationDefinition are made, and
// the code that runs. Each operation has a folder of its own below this one.
type Operation struct {
	fhir.Operation

	// Serve answers a call, and says how many records of the caller's its answer
	// holds, for the audit. An error becomes an OperationOutcome; when the answer has
	// begun, the number is how many it was about to hold.
	Serve func(w http.ResponseWriter, r *http.Request, call Call) (disclosed int, err error)
}

// Call is what was found out about a request before the operation runs.
type Call struct {
	Caller auth.Principal
	Choice negotiation.Choice // how to write the answer
	Inputs []fhir.Input       // those that the operation describes, checked against it
}

// methods maps HTTP methods to handlers, for one path.
type methods map[string]handler

// invocation makes the handlers of an operation: POST always, GET and HEAD when
// calling it changes nothing.
func (s *server) invocation(o Operation) methods {
	call := s.operation(o)
	m := methods{http.MethodPost: call}
	if !o.AffectsState {
		m[http.MethodGet], m[http.MethodHead] = call, call
	}
	return m
}

// operation checks in the order that the contract gives: token, how often, negotiation,
// body.
func (s *server) operation(o Operation) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		defer s.limits.leave()
		if err := s.limits.enter(); err != nil {
			return err
		}
		caller, err := s.auth.Authenticate(r.Context(), credentials(r))
		s.metrics.ObserveToken(tokenResult(err))
		if err != nil {
			return err
		}
		e := exchangeOf(r.Context())
		e.userID = caller.UserID
		if err := s.limits.count(w, r, caller.UserID); err != nil {
			return err
		}
		if e.refusal != nil {
			return e.refusal
		}
		inputs, err := s.inputs(w, r, o.Operation)
		if err != nil {
			return err
		}
		return s.serve(w, r, o, Call{Caller: caller, Choice: e.choice, Inputs: inputs})
	}
}
