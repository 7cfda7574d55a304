// SPDX-License-Identifier: Apache-2.0

package report

import "errors"

// Kind is what a caller can do about an error.
type Kind int

// The kinds of error.
const (
	// Internal is a fault of ours: trying again will not help.
	Internal Kind = iota
	// Unavailable means that something we need is away or full: try again soon.
	Unavailable
	// Timeout means that the work took longer than it may: try again later.
	Timeout
	// Gone means that whoever asked is no longer there to be answered.
	Disconnected
	// NotFound means that there is no such thing, or none of the caller's.
	NotFound
	// Deleted means that there was such a thing.
	Deleted
	// Lost means that a run is not, or not any more, the job's.
	Superseded
	// Excess means that the user has too much of it already.
	LimitExceeded
)

// String names the kind for logs.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Unavailable:
		return "unavailable"
	case Timeout:
		return "timeout"
	case Disconnected:
		return "gone"
	case NotFound:
		return "not found"
	case Deleted:
		return "deleted"
	case Superseded:
		return "lost"
	case LimitExceeded:
		return "excess"
	}
	return "unknown"
}

// Error is a failure of a port: its kind, and a cause that is for logs only and
// never shown to a client.
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

// Passes tells whether the same may well succeed a while later.
func (k Kind) Retryable() bool { return k == Unavailable || k == Timeout }

// KindOf returns the kind of err: Internal for whatever is not an *Error, and for nil.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
