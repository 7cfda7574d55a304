// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
)

// Request is the state of one request, from the first header to the access log.
type Request struct {
	*http.Request

	ID      string             // X-Request-Id: the client's, or made here
	Query   url.Values         // of the URL; a form in the body adds to it
	Choice  negotiation.Choice // format of the response, errors included
	Refusal error              // of negotiation: the client accepts none of our formats
	Caller  auth.Principal     // set once the token is accepted
	Inputs  []fhir.Input       // of an operation, checked against its parameters
	// Parameters is the body of an operation that affects state, as JSON.
	Parameters []byte

	queryErr  error // of the part of the query that cannot be parsed
	start     time.Time
	operation string   // label for the log and metrics, from a closed set
	route     string   // URL pattern, or empty
	failure   *Problem // nil: none so far
	trace     *tracing.Request
	recorder  recorder
}

type requestKey struct{}

// requestOf returns the state that ServeHTTP has put into the context.
func requestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// labelNone is the operation label of requests that match no route.
const labelNone = "none"

// requestID matches the request ids that are echoed: short, and harmless in a log.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// parseQuery parses a query or a form. A semicolon is no separator, because media types in
// _format contain it.
func parseQuery(text string) (url.Values, error) {
	return url.ParseQuery(strings.ReplaceAll(text, ";", "%3B"))
}

func newRequest(w http.ResponseWriter, r *http.Request) *Request {
	request := &Request{Request: r, operation: labelNone}
	request.recorder.conn, request.recorder.out = w, w
	if ids := r.Header.Values("X-Request-Id"); len(ids) == 1 && requestID.MatchString(ids[0]) {
		request.ID = ids[0]
	} else {
		request.ID = uuid.NewString()
	}
	request.Query, request.queryErr = parseQuery(r.URL.RawQuery)
	request.negotiate()
	return request
}

// negotiate chooses the format of the response.
func (r *Request) negotiate() {
	r.Choice, r.Refusal = negotiation.Choose(r.Header.Values("Accept"), r.Query)
}

// CheckQuery returns a 400 Problem if the query of the URL cannot be parsed.
func (r *Request) CheckQuery() error {
	if r.queryErr == nil {
		return nil
	}
	return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The query of the address cannot be read.").because(r.queryErr)
}

// Strict returns true if the client asks for an error wherever the service would ignore a
// part of the request (Prefer: handling=strict).
func (r *Request) Strict() bool { return negotiation.Strict(r.Header.Values("Prefer")) }

// BeginStreaming moves the request from the slots of calls to the slots of streams. Call it
// before the first write of a response that is longer than FlushSize. The error is a *Problem.
func (r *Request) BeginStreaming() error { return r.recorder.slot.beginStreaming() }

// status is the final status: the one sent, or that of a failure after the response began.
func (r *Request) status() int {
	switch {
	case r.failure != nil:
		return r.failure.Status
	case r.recorder.status != 0:
		return r.recorder.status
	}
	return http.StatusOK // net/http sends it when a handler writes nothing
}

func (r *Request) methodLabel() telemetry.Method { return telemetry.MethodOf(r.Method) }
