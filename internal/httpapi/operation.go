// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"net/http"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
)

// Operation is an entry of the operation registry: the description from which
// the routes, the CapabilityStatement and the OperationDefinition are made, and
// the code that runs. Each operation has a folder of its own below this one.
type Operation struct {
	fhir.Operation
	Endpoint // Label is the operation's name, whatever it says
	// Unlisted is for an operation that answers with nothing but why it cannot be called.
	Unlisted bool
}

// Call is what was found out about a request before it is served.
type Call struct {
	Caller    auth.Principal
	Choice    negotiation.Choice // how to write the answer
	RequestID string
	Inputs    []fhir.Input // of an operation: those that it describes, checked against it
	// Body is the Parameters resource of a call that affects state, as JSON.
	Body []byte

	place *slot            // among the calls at work; nil in tests
	trace *tracing.Request // nil: none is recorded
}

// methods maps HTTP methods to handlers, for one path.
type methods map[string]handler

// invocation makes the handlers of an operation: POST always, GET and HEAD when
// calling it changes nothing.
func (s *server) invocation(o Operation) methods {
	o.Label = o.Name
	call := s.endpoint(o.Endpoint, func(w http.ResponseWriter, r *http.Request, call *Call) (err error) {
		return s.inputs(w, r, o.Operation, call)
	})
	m := methods{http.MethodPost: call}
	if !o.AffectsState {
		m[http.MethodGet], m[http.MethodHead] = call, call
	}
	return m
}

// authenticate finds out who calls.
func (s *server) authenticate(r *http.Request, request *tracing.Request) (auth.Principal, error) {
	span := request.Child("token")
	defer span.End()
	caller, err := s.auth.Authenticate(r.Context(), credentials(r))
	if r.Context().Err() != nil {
		return caller, err // nobody knows
	}
	result := tokenResult(err)
	s.metrics.ObserveToken(result)
	span.Text("reporting.token.result", string(result))
	if result == telemetry.TokenNoKeys {
		span.Fail(string(result)) // everything else is the client's affair
	}
	return caller, err
}

// tokenResult is what became of a request's token, for the metrics.
func tokenResult(err error) telemetry.TokenResult {
	if err == nil {
		return telemetry.TokenAccepted
	}
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		switch refused.Kind {
		case auth.NoCredentials:
			return telemetry.TokenMissing
		case auth.MalformedRequest:
			return telemetry.TokenMalformed
		case auth.ExpiredToken:
			return telemetry.TokenExpired
		case auth.NoUser:
			return telemetry.TokenNoUser
		case auth.KeysUnavailable:
			return telemetry.TokenNoKeys
		case auth.InvalidToken:
		}
	}
	return telemetry.TokenInvalid
}
