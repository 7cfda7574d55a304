// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"net/http"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/telemetry"
)

// Endpoint is the code behind one method of one path.
type Endpoint struct {
	Label string // in the log, the metrics and the audit log
	Event string // in the audit log; empty: telemetry.AuditRead
	// Public endpoints need no token, hold no slot and write no audit record.
	Public bool
	// Authorize returns an error if the caller may not use the endpoint; nil: every caller
	// with a valid token may. It runs before anything else of the request is read.
	Authorize func(caller auth.Principal) error
	// AnyAccept is for endpoints that offer more formats than a FHIR resource has, and
	// therefore check Request.Refusal on their own.
	AnyAccept bool
	// Serve responds, and returns how many records of the caller the response discloses. An
	// error becomes an OperationOutcome, or breaks a response off that has begun.
	Serve func(w http.ResponseWriter, r *Request) (disclosed int, err error)

	operation *fhir.Operation // whose inputs to read; nil: none
}

// Operation is an entry of the operation registry. The routes, the CapabilityStatement and
// the OperationDefinition follow from it.
type Operation struct {
	fhir.Operation
	Endpoint // Label is ignored: it is the operation's name
	// Unlisted operations only explain why they cannot be called.
	Unlisted bool
}

// Route maps the methods of a path that is no operation to endpoints.
type Route struct {
	Path    string // below the base URL, as a pattern of chi: /Binary/{id}
	Methods map[string]Endpoint
}

// label is that of GET, or of the only method.
func (r Route) label() string {
	if get, ok := r.Methods[http.MethodGet]; ok {
		return get.Label
	}
	for _, e := range r.Methods {
		return e.Label
	}
	return labelNone
}

// methods returns the endpoints of an operation: POST, and GET and HEAD when the operation
// does not affect state.
func (o Operation) methods() map[string]Endpoint {
	e := o.Endpoint
	e.Label, e.operation = o.Name, &o.Operation
	m := map[string]Endpoint{http.MethodPost: e}
	if !o.AffectsState {
		m[http.MethodGet], m[http.MethodHead] = e, e
	}
	return m
}

// serve runs an endpoint after the checks of the contract, in its order: token, role, limits,
// negotiation, query, body. It writes an audit record of a response that has begun, also when
// an error or a panic breaks it off.
func (s *server) serve(r *Request, e *Endpoint) error {
	r.operation = e.Label
	w := &r.recorder
	if !e.Public {
		if err := s.admit(r, e); err != nil {
			return err
		}
		defer w.slot.release()
	}
	if r.Refusal != nil && !e.AnyAccept {
		return r.Refusal
	}
	if e.Public {
		_, err := e.Serve(w, r)
		return err
	}
	if err := r.CheckQuery(); err != nil {
		return err
	}
	if e.operation != nil {
		if err := s.readInputs(r, e.operation); err != nil {
			return err
		}
	}
	record := s.auditRecord(r, e)
	defer func() {
		if w.status == 0 {
			return
		}
		record.Time = s.now().UTC()
		s.audit.Write(record)
	}()
	count, err := e.Serve(w, r)
	record.Count, record.Complete = &count, err == nil
	return err
}

// admit authenticates and authorizes the caller, and acquires a slot.
func (s *server) admit(r *Request, e *Endpoint) error {
	if r.Method != http.MethodPost && r.ContentLength != 0 {
		// Otherwise net/http waits for the unread body before it sends the first byte of the
		// response, and a database connection waits with it.
		r.recorder.Header().Set("Connection", "close")
	}
	caller, err := s.authenticate(r)
	if err != nil {
		return err
	}
	r.Caller = caller
	if e.Authorize != nil {
		if err := e.Authorize(caller); err != nil {
			return err
		}
	}
	r.recorder.slot, err = s.limits.acquire(r)
	return err
}

func (s *server) auditRecord(r *Request, e *Endpoint) telemetry.AuditRecord {
	event := e.Event
	if event == "" {
		event = telemetry.AuditRead
	}
	return telemetry.AuditRecord{
		Event: event, Operation: e.Label, Method: r.Method, RequestID: r.ID, TraceID: r.trace.ID(),
		UserID: r.Caller.UserID, UserType: r.Caller.UserType,
	}
}

// authenticate checks the bearer token and counts the result.
func (s *server) authenticate(r *Request) (auth.Principal, error) {
	span := r.trace.Child("token")
	defer span.End()
	caller, err := s.auth.Authenticate(r.Context(), credentials(r.Request))
	if r.Context().Err() != nil {
		return caller, err // no result to count
	}
	result := tokenResult(err)
	s.metrics.ObserveToken(result)
	span.Text("reporting.token.result", string(result))
	if result == telemetry.TokenNoKeys {
		span.Fail(string(result)) // every other result is the client's fault
	}
	return caller, err
}

// tokenResult is the metric label of an authentication result.
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
