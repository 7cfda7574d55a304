// SPDX-License-Identifier: Apache-2.0

package report

import "slices"

// Status is the state of a report job, spelled as in the database and in responses. The
// reference service publishes DONE and FAILED; this service names the other states.
type Status string

// The six states of a job.
const (
	Scheduled Status = "SCHEDULED" // accepted, due at a later time
	Queued    Status = "QUEUED"    // waits for a free worker
	Running   Status = "RUNNING"   // a worker generates the report
	Done      Status = "DONE"      // ended with a result
	Failed    Status = "FAILED"    // ended without one
	Cancelled Status = "CANCELLED" // ended by its user
)

// Statuses lists the states in the order of a job's lifecycle.
func Statuses() []Status {
	return []Status{Scheduled, Queued, Running, Done, Failed, Cancelled}
}

// Valid reports whether s is one of the six states, in exactly that spelling.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Final reports whether a job in this state has ended.
func (s Status) Final() bool {
	return s == Done || s == Failed || s == Cancelled
}

// CanTransitionTo reports whether a job may go from s to next. Staying in a state is always
// allowed. A running job returns to QUEUED when its worker releases it, or when the sweep
// requeues it.
func (s Status) CanTransitionTo(next Status) bool {
	if s == next {
		return s.Valid()
	}
	return slices.Contains(s.successors(), next)
}

func (s Status) successors() []Status {
	switch s {
	case Scheduled:
		return []Status{Queued, Running, Failed, Cancelled}
	case Queued:
		return []Status{Scheduled, Running, Failed, Cancelled}
	case Running:
		return []Status{Queued, Done, Failed, Cancelled}
	case Done, Failed, Cancelled:
		return nil
	}
	return nil
}
