// SPDX-License-Identifier: Apache-2.0

package report

import "errors"

// Kind classifies an error by what a caller can do about it.
type Kind int

// The kinds of error. The zero value means no error.
const (
	NoError       Kind = iota
	Internal           // a fault of this service: a retry fails again
	Unavailable        // a dependency is down or full: retry soon
	Timeout            // the operation exceeded its time limit: retry later
	Disconnected       // the client disconnected before the response
	NotFound           // the object does not exist, or belongs to another user
	Deleted            // the object existed and is deleted
	Superseded         // the attempt no longer holds its job
	LimitExceeded      // the user has reached a limit
)

var kindNames = [...]string{
	NoError: "no error", Internal: "internal", Unavailable: "unavailable", Timeout: "timeout", Disconnected: "disconnected",
	NotFound: "not found", Deleted: "deleted", Superseded: "superseded", LimitExceeded: "limit exceeded",
}

// String returns the name of the kind for logs.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Retryable reports whether the same operation can succeed later.
func (k Kind) Retryable() bool { return k == Unavailable || k == Timeout }

// Error is a failure of a port. Its cause is for logs and is never shown to a client.
type Error struct {
	Kind  Kind
	Cause error
}

// Error describes the failure for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Kind.String()
	}
	return e.Kind.String() + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of err: NoError for nil, Internal for an error that is not an
// *Error.
func KindOf(err error) Kind {
	if err == nil {
		return NoError
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
