// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"
)

// Order is what a user asks for: a report, to be made later.
type Order struct {
	ReportClass string
	UserID      string
	// Parameters is the Parameters resource that it is asked for with, as JSON text.
	Parameters []byte
	Source     string    // id of the request
	Due        time.Time // not to be begun before; zero: as soon as a worker is free
}

// Placed is what an order became.
type Submission struct {
	JobID  JobID
	Binary Binary // version 1, the placeholder
}

// The placeholder's data and its type, as the reference service has them.
const (
	Placeholder     = "*NOT GENERATED YET*"
	PlaceholderType = "text/plain"
)

// LongestUserID is how many characters the id of a job's owner may have.
const MaxUserIDLength = 512

// MostUnfinished is how many jobs a user may have waiting and running.
const MaxUnfinishedJobs = 100

// Orders is the port through which reports are asked for.
type Orders interface {
	// Place stores a job, its placeholder and its entry in the queue: all or nothing. The
	// error is of type *Error; Excess is that of a user who has MostUnfinished jobs.
	Submit(ctx context.Context, order Order) (Submission, error)
	// Stage tells how far a job of the user has come.
	State(ctx context.Context, userID string, id JobID) (JobState, error)
	// Cancel deletes the Binary of a job, if that is still there, and cancels the job if
	// that has not ended.
	Cancel(ctx context.Context, userID string, id JobID) error
}

// Stage is how far a job has come.
type JobState struct {
	ReportClass   string
	Status        Status
	Due           time.Time // not begun before; zero: not known
	Progress      string    // in words; empty: none
	FailureReason string
	BinaryID      int64 // its id; 0: none that is still there
}
