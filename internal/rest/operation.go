// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/http"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/rest/negotiation"
	"reporting/internal/trace"
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

	place  *place         // among the calls at work; nil in tests
	corker Corker         // the client's connection; nil in tests
	trace  *trace.Request // nil: none is recorded
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

// operation checks in the order that the contract gives: token, limits, negotiation,
// body.
func (s *server) operation(o Operation) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost && r.ContentLength != 0 {
			// Or net/http waits, before the first byte of the answer, for a body that
			// nobody reads, and a database connection waits with it.
			w.Header().Set("Connection", "close")
		}
		e := exchangeOf(r.Context())
		caller, err := s.authenticate(r, e.trace)
		if err != nil {
			return err
		}
		e.userID = caller.UserID
		place, err := s.limits.enter(w, r, caller.UserID)
		if err != nil {
			return err
		}
		defer place.leave()
		if e.refusal != nil {
			return e.refusal
		}
		inputs, err := s.inputs(w, r, o.Operation)
		if err != nil {
			return err
		}
		return s.serve(w, r, o, Call{Caller: caller, Choice: e.choice, Inputs: inputs, place: place, corker: corkerOf(r.Context()), trace: e.trace})
	}
}

// authenticate finds out who calls.
func (s *server) authenticate(r *http.Request, request *trace.Request) (auth.Principal, error) {
	span := request.Child("token")
	defer span.End()
	caller, err := s.auth.Authenticate(r.Context(), credentials(r))
	if r.Context().Err() != nil {
		return caller, err // nobody knows
	}
	result := tokenResult(err)
	s.metrics.ObserveToken(result)
	span.Text("reporting.token.result", string(result))
	if result == obs.TokenNoKeys {
		span.Fail(string(result)) // everything else is the client's affair
	}
	return caller, err
}

// tokenResult is what became of a request's token, for the metrics.
func tokenResult(err error) obs.TokenResult {
	if err == nil {
		return obs.TokenAccepted
	}
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		switch refused.Kind {
		case auth.NoCredentials:
			return obs.TokenMissing
		case auth.MalformedRequest:
			return obs.TokenMalformed
		case auth.ExpiredToken:
			return obs.TokenExpired
		case auth.NoUser:
			return obs.TokenNoUser
		case auth.KeysUnavailable:
			return obs.TokenNoKeys
		case auth.InvalidToken:
		}
	}
	return obs.TokenInvalid
}
