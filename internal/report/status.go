// SPDX-License-Identifier: Apache-2.0

package report

import "slices"

// Status is the state of a report job, spelled as it is stored and answered.
// DONE and FAILED are the words that the reference service publishes; the
// others are this service's names for the time before and beside them.
type Status string

// The six states of a job.
const (
	Scheduled Status = "SCHEDULED" // accepted, to be run at a later hour
	Queued    Status = "QUEUED"    // waiting for a free worker
	Running   Status = "RUNNING"   // being generated now
	Done      Status = "DONE"      // ended with a result
	Failed    Status = "FAILED"    // ended without one
	Cancelled Status = "CANCELLED" // ended because somebody asked for it
)

// Statuses lists every state in the order of a job's life.
func Statuses() []Status {
	return []Status{Scheduled, Queued, Running, Done, Failed, Cancelled}
}

// Valid tells whether s is one of the six states, in exactly that spelling.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Final tells whether a job in this state has ended for good.
func (s Status) Final() bool {
	return s == Done || s == Failed || s == Cancelled
}

// CanBecome tells whether a job may go from s to next. Staying in a state is
// no transition and always allowed. A running job may return to QUEUED: that is
// how a worker hands it back.
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
