// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"
)

// Order asks for a report that a worker generates later.
type Order struct {
	ReportClass string
	UserID      string
	Parameters  []byte    // the Parameters resource of the request, as JSON
	Source      string    // id of the request
	Due         time.Time // earliest start; zero: as soon as a worker is free
}

// Submission is the job and the placeholder that an order creates.
type Submission struct {
	JobID  JobID
	Binary Binary // version 1, the placeholder
}

// The placeholder's data and content type, as the reference service has them.
const (
	Placeholder     = "*NOT GENERATED YET*"
	PlaceholderType = "text/plain"
)

// MaxUserIDLength is the longest id of a job's owner, in characters.
const MaxUserIDLength = 512

// MaxUnfinishedJobs is how many jobs that have not ended a user may have.
const MaxUnfinishedJobs = 100

// Orders is the port through which users order and cancel reports. Errors are of type
// *Error.
type Orders interface {
	// Submit stores a job, its placeholder and its entry in the queue in one transaction.
	// LimitExceeded means that the user has MaxUnfinishedJobs.
	Submit(ctx context.Context, order Order) (Submission, error)
	// State returns the state of a job of the user.
	State(ctx context.Context, userID string, id JobID) (JobState, error)
	// Cancel deletes the Binary of a job and cancels the job unless it has ended.
	Cancel(ctx context.Context, userID string, id JobID) error
}

// JobState is the progress of one job.
type JobState struct {
	ReportClass   string
	Status        Status
	Due           time.Time // earliest start; zero: unknown
	Progress      string    // in words; empty: none
	FailureReason string
	BinaryID      int64 // 0: the Binary is deleted
}
