// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// Problem is an error as a client sees it. Handlers return one for a client error. problemOf
// makes one of every other error, and tells the client only what the client can do.
type Problem struct { //nolint:errname // RFC 9457 calls it so
	Status int // HTTP status
	Issues []fhir.Issue
	Header http.Header // further headers of the response, or nil
	Cause  error       // for the log only, or nil

	busy bool // its issues are busy's
}

// Error describes the problem for logs.
func (p *Problem) Error() string {
	if p.Cause != nil {
		return fmt.Sprintf("%d %s: %v", p.Status, p.Issues[0].Code.Code(), p.Cause)
	}
	return fmt.Sprintf("%d %s: %s", p.Status, p.Issues[0].Code.Code(), p.Issues[0].Diagnostics)
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// How long a client is asked to wait before it tries again.
const (
	retrySoon  = time.Second
	retryLater = 5 * time.Second
)

func problem(status int, code models.IssueType, diagnostics string) *Problem {
	return &Problem{Status: status, Issues: []fhir.Issue{{Code: code, Diagnostics: diagnostics}}}
}

// Invalid is the response to invalid inputs: 400 with one issue for each fault. There must
// be at least one.
func Invalid(issues fhir.Issues) *Problem {
	return &Problem{Status: http.StatusBadRequest, Issues: issues}
}

// NotAcceptable is the response to a client that wants a format which cannot represent the
// resource: 406.
func NotAcceptable(diagnostics string) *Problem {
	return problem(http.StatusNotAcceptable, models.IssueTypeNotSupported, diagnostics)
}

// level is the log level: client errors are no reason for an alarm, and what passes by
// itself is a warning.
func (p *Problem) level() slog.Level {
	switch {
	case p.Status < http.StatusInternalServerError:
		return slog.LevelInfo
	case p.Status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (p *Problem) with(key, value string) *Problem {
	if p.Header == nil {
		p.Header = http.Header{}
	}
	p.Header.Set(key, value)
	return p
}

func (p *Problem) because(cause error) *Problem {
	p.Cause = cause
	return p
}

// retryAfter sets Retry-After in whole seconds (RFC 9110, section 10.2.3).
func (p *Problem) retryAfter(wait time.Duration) *Problem {
	return p.with("Retry-After", strconv.Itoa(int(wait/time.Second)))
}

const available = "There are application/fhir+json and application/fhir+xml, FHIR version 4.0."

// problemOf is the only place where an error becomes a status.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return authProblem(e)
	}
	switch {
	case errors.Is(err, negotiation.ErrAccept):
		return NotAcceptable("None of the formats that Accept allows is available. " + available)
	case errors.Is(err, negotiation.ErrFormat):
		return NotAcceptable("The format that _format names is not available. " + available)
	}
	switch report.KindOf(err) {
	case report.Unavailable:
		return problem(http.StatusServiceUnavailable, models.IssueTypeTransient,
			"The database is not available to the service at the moment. Try again shortly.").retryAfter(retrySoon).because(err)
	case report.Timeout:
		return problem(http.StatusServiceUnavailable, models.IssueTypeTimeout,
			"The database took too long to answer. Try again shortly.").retryAfter(retryLater).because(err)
	case report.Disconnected:
		return disconnected(err)
	case report.NotFound:
		return problem(http.StatusNotFound, models.IssueTypeNotFound, "There is no such resource.").because(err)
	case report.Deleted:
		return problem(http.StatusGone, models.IssueTypeDeleted, "The resource was deleted.").because(err)
	case report.NoError, report.Internal, report.Superseded, report.LimitExceeded: // handlers and workers treat the last two before
	}
	return problem(http.StatusInternalServerError, models.IssueTypeException,
		"The service failed to answer because of a fault of its own. Report the id of this outcome to its operators.").because(err)
}

// disconnected is the problem of a client that has gone, for the log only.
func disconnected(err error) *Problem {
	return problem(telemetry.StatusClientGone, models.IssueTypeTransient, "The client disconnected.").because(err)
}

// authProblem follows RFC 6750, section 3. It does not say which check failed.
func authProblem(e *auth.Error) *Problem {
	const challenge = `Bearer realm="reporting"`
	switch e.Kind {
	case auth.NoCredentials:
		return problem(http.StatusUnauthorized, models.IssueTypeLogin, "A bearer token is required.").
			with("WWW-Authenticate", challenge).because(e)
	case auth.ExpiredToken:
		return problem(http.StatusUnauthorized, models.IssueTypeExpired, "The bearer token has expired.").
			with("WWW-Authenticate", challenge+`, error="invalid_token", error_description="The token has expired"`).because(e)
	case auth.MalformedRequest:
		return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The request carries more than one Authorization header.").
			with("WWW-Authenticate", challenge+`, error="invalid_request"`).because(e)
	case auth.NoUser:
		return problem(http.StatusForbidden, models.IssueTypeForbidden, "The bearer token does not name a user: it has no user_id.").because(e)
	case auth.KeysUnavailable:
		return problem(http.StatusServiceUnavailable, models.IssueTypeTransient,
			"The service cannot check tokens at the moment. Try again shortly.").retryAfter(retrySoon).because(e)
	case auth.InvalidToken:
	}
	return problem(http.StatusUnauthorized, models.IssueTypeLogin, "The Authorization header does not hold a valid bearer token.").
		with("WWW-Authenticate", challenge+`, error="invalid_token", error_description="The token is not valid"`).because(e)
}

// Forbidden is the response to a caller who lacks a role.
func Forbidden(what, userType, role string) *Problem {
	if strings.TrimSpace(userType) == "" {
		userType = "this user"
	}
	p := problem(http.StatusForbidden, models.IssueTypeForbidden,
		fmt.Sprintf("Insufficient permission for %s for %.32s. It takes the role %s.", what, userType, role))
	p.Issues[0].MessageCode = "SECURITY_TOKEN_INSUFFICIENT_PERMISSION"
	return p
}
