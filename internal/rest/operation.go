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

	// Serve answers a call. An error becomes an OperationOutcome.
	Serve func(w http.ResponseWriter, r *http.Request, call Call) error
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

// operation checks in the order that the contract gives: token, negotiation, body.
func (s *server) operation(o Operation) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		caller, err := s.auth.Authenticate(r.Context(), credentials(r))
		if err != nil {
			return err
		}
		e := exchangeOf(r.Context())
		if e.refusal != nil {
			return e.refusal
		}
		inputs, err := s.inputs(w, r, o.Operation)
		if err != nil {
			return err
		}
		return o.Serve(w, r, Call{Caller: caller, Choice: e.choice, Inputs: inputs})
	}
}
