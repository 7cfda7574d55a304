// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"

	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/telemetry"
)

// handler answers a request, or returns an error before it wrote anything. An
// error after the first byte ends the connection, so that the client sees a
// broken transfer and never a short list that parses.
type handler func(w http.ResponseWriter, r *http.Request) error

// funnel turns the errors and panics of handlers into OperationOutcomes.
type funnel struct {
	log *slog.Logger
}

// wrap makes a handler an http.Handler.
func (f funnel) wrap(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		if err := f.call(h, rec, r); err != nil {
			f.fail(rec, r, err)
		}
	})
}

// call runs h and makes an error of a panic.
func (f funnel) call(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v", p)
			f.log.ErrorContext(r.Context(), "panic", "request_id", exchangeOf(r.Context()).id,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return h(w, r)
}

// fail answers with the outcome of err, unless the answer has begun or nobody
// is there to read it.
func (f funnel) fail(w *recorder, r *http.Request, err error) {
	p := problemOf(err)
	// net/http ends the context also when a body does not arrive in time, and
	// then the client may well be there.
	if r.Context().Err() != nil && p.Status != http.StatusRequestTimeout {
		p = gone(err)
	}
	exchangeOf(r.Context()).failure = p
	if w.status != 0 || p.Status == telemetry.StatusClientGone {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), p.Header)
	e := exchangeOf(r.Context())
	text, err := outcome(e.id, p, e.choice.Style)
	if err != nil {
		f.log.ErrorContext(r.Context(), "outcome not written", "request_id", e.id, "error", err.Error())
		panic(http.ErrAbortHandler) // rather than an empty 200
	}
	if err := writeText(w, p.Status, e.choice, text); err != nil {
		f.log.DebugContext(r.Context(), "outcome not sent", "request_id", e.id, "error", err.Error())
	}
}

// busyOutcomes are the two ends of busy's outcome, around the id, by fhir.Style. It is
// needed most often when there is the least time to make it.
var busyOutcomes sync.Map

// outcome writes the OperationOutcome of a problem.
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

// writeText writes a resource whole.
func writeText(w http.ResponseWriter, status int, choice negotiation.Choice, text []byte) error {
	w.Header().Set("Content-Type", choice.ContentType())
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	renewDeadline(w)
	w.WriteHeader(status)
	_, err := w.Write(text)
	return err
}
