// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"reporting/internal/httpapi/negotiation"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
)

// exchange is what is known about one request while it is handled.
type exchange struct {
	id        string           // request id, echoed or made here
	trace     *tracing.Request // nil: it is part of none
	method    telemetry.Method
	operation string   // label for log and metrics, from a closed set
	route     string   // the pattern of its address, or empty
	userID    string   // of the caller, once the token has named one
	failure   *Problem // what went wrong, if anything; its cause is for the log only

	query    url.Values         // of the address, as far as it can be read
	queryErr error              // of the part that cannot
	choice   negotiation.Choice // how to answer, errors too
	refusal  error              // of negotiation: no format of ours will do
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request. Outside the chain of New it is
// an empty one, so that handlers can be tested alone.
func exchangeOf(ctx context.Context) *exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e
	}
	return &exchange{}
}

// Labels of requests that no operation answers.
const (
	labelNone     = "none" // no route
	labelMetadata = "metadata"
	labelRead     = "OperationDefinition-read"
	labelSearch   = "OperationDefinition-search"
)

// The ids that are echoed: short, and harmless in a log.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// parseQuery reads a query or a form. A semicolon separates nothing today, but
// media types in _format have them.
func parseQuery(text string) (url.Values, error) {
	return url.ParseQuery(strings.ReplaceAll(text, ";", "%3B"))
}

func newExchange(r *http.Request) *exchange {
	e := &exchange{method: telemetry.MethodOf(r.Method), operation: labelNone}
	if ids := r.Header.Values("X-Request-Id"); len(ids) == 1 && requestID.MatchString(ids[0]) {
		e.id = ids[0]
	} else {
		e.id = uuid.NewString()
	}
	e.query, e.queryErr = parseQuery(r.URL.RawQuery)
	e.choice, e.refusal = negotiation.Choose(r.Header.Values("Accept"), e.query)
	return e
}
