// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"context"
	"slices"
	"time"
)

// Status is the status of an episode (FHIR R4, value set episode-of-care-status).
type Status string

// The statuses.
const (
	Planned        Status = "planned"
	Waitlist       Status = "waitlist"
	Active         Status = "active"
	OnHold         Status = "onhold"
	Finished       Status = "finished"
	Cancelled      Status = "cancelled"
	EnteredInError Status = "entered-in-error"
)

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool {
	return slices.Contains([]Status{Planned, Waitlist, Active, OnHold, Finished, Cancelled, EnteredInError}, s)
}

// Episode is one EpisodeOfCare.
type Episode struct {
	Patient string // reference to the patient, without a version
	Status  Status
	Period  Period
	History []HistoryEntry // statusHistory; may be empty
}

// HistoryEntry is an entry of the status history.
type HistoryEntry struct {
	Status Status
	Period Period
}

// Period is a time from Start until before End. A zero Start is unknown; a zero End means that
// the period has not ended.
type Period struct{ Start, End time.Time }

// Source is a source of episodes.
type Source interface {
	// Each calls yield once for every episode, in any order, until yield returns an error, and
	// returns that error unchanged. The Episode is overwritten after yield returns. An error of
	// the source means that episodes may be missing, so a result from the others is wrong.
	Each(ctx context.Context, yield func(*Episode) error) error
}
