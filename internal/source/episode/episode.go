// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"context"
	"slices"
	"time"
)

// Status is the state of an episode (FHIR R4, value set episode-of-care-status).
type Status string

// The states.
const (
	Planned        Status = "planned"
	Waitlist       Status = "waitlist"
	Active         Status = "active"
	OnHold         Status = "onhold"
	Finished       Status = "finished"
	Cancelled      Status = "cancelled"
	EnteredInError Status = "entered-in-error"
)

// Valid tells whether s is one of the states.
func (s Status) Valid() bool {
	return slices.Contains([]Status{Planned, Waitlist, Active, OnHold, Finished, Cancelled, EnteredInError}, s)
}

// Episode is one EpisodeOfCare.
type Episode struct {
	Patient string // reference to the patient, without a version
	Status  Status
	Period  Period
	History []Stage // statusHistory; may be empty
}

// Stage is a time in which an episode had a status.
type Stage struct {
	Status Status
	Period Period
}

// Period is a time from Start, before End. The zero time is unknown: at the begin, and
// still going on at the end.
type Period struct{ Start, End time.Time }

// Source is where episodes come from.
type Source interface {
	// Each calls yield for every episode, each once and in any order, until yield
	// returns an error, which it returns as it is. The Episode belongs to the source
	// and is overwritten after yield returns. An error means that episodes may be
	// missing, so that what was made of the others is of no use.
	Each(ctx context.Context, yield func(*Episode) error) error
}
