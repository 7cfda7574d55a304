// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"sync"

	"reporting/internal/fhir"
	"reporting/internal/telemetry"
)

// recoverPanic turns a panic of a handler into a failure. It is deferred.
func (s *server) recoverPanic(r *Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		s.log.ErrorContext(r.Context(), "panic", "request_id", r.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		s.fail(r, fmt.Errorf("panic: %v", p))
	}
}

// fail responds with the OperationOutcome of err. Once the response has begun, it breaks the
// connection, so that the client sees a broken transfer and never a short list that parses.
func (s *server) fail(r *Request, err error) {
	p := problemOf(err)
	// net/http also ends the context when a body does not arrive in time, and then the client
	// may still be connected.
	if r.Context().Err() != nil && p.Status != http.StatusRequestTimeout {
		p = disconnected(err)
	}
	r.failure = p
	w := &r.recorder
	if w.status != 0 || p.Status == telemetry.StatusClientGone {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), p.Header)
	text, err := outcome(r.ID, p, r.Choice.Style)
	if err != nil {
		s.log.ErrorContext(r.Context(), "encode OperationOutcome failed", "request_id", r.ID, "error", err.Error())
		panic(http.ErrAbortHandler) // rather than an empty 200
	}
	if err := WriteResource(w, r, p.Status, text); err != nil {
		s.log.DebugContext(r.Context(), "send OperationOutcome failed", "request_id", r.ID, "error", err.Error())
	}
}

// busyOutcomes caches the text of busy's outcome before and after the id, by fhir.Style,
// because an overloaded service sends it most often.
var busyOutcomes sync.Map

// outcome encodes the OperationOutcome of a problem.
func outcome(id string, p *Problem, style fhir.Style) ([]byte, error) {
	if !p.busy || id == "" {
		return fhir.Marshal(fhir.Outcome(id, p.Issues...), style)
	}
	ends, ok := busyOutcomes.Load(style)
	if !ok {
		const placeholder = "00000000-0000-0000-0000-000000000000"
		text, err := fhir.Marshal(fhir.Outcome(placeholder, p.Issues...), style)
		if err != nil {
			return nil, err
		}
		before, after, _ := bytes.Cut(text, []byte(placeholder))
		ends, _ = busyOutcomes.LoadOrStore(style, [2]string{string(before), string(after)})
	}
	around, _ := ends.([2]string)
	return []byte(around[0] + id + around[1]), nil
}
