// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"io"
	"time"
)

// Attempt is one try of a worker at generating the report of a job. Its number is a fencing
// token: a store refuses every write of an attempt after a later one began. So a job that
// runs twice still ends once, with one result.
type Attempt struct {
	JobID       JobID
	Number      int // counts from 1
	Counted     int // attempts that count against the limit, this one included
	ReportClass string
	Parameters  []byte    // the Parameters resource of the order, as JSON
	Due         time.Time // earliest start of the job
}

// Result is a generated report.
type Result struct {
	ContentType string
	FileName    string
	Size        int64 // bytes
	Data        io.Reader
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	AttemptDone      Outcome = "done"
	AttemptFailed    Outcome = "failed"    // the job ended as FAILED
	AttemptRetried   Outcome = "retried"   // the queue starts another attempt after the backoff
	AttemptReleased  Outcome = "released"  // the worker stops; another worker starts at once
	AttemptCancelled Outcome = "cancelled" // the user cancelled the job, or a later attempt began
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome {
	return []Outcome{AttemptDone, AttemptFailed, AttemptRetried, AttemptReleased, AttemptCancelled}
}

// Attempts is the port through which workers record attempts. Errors are of type *Error.
// Superseded means that the attempt no longer holds its job.
type Attempts interface {
	// Begin starts an attempt at a job for an entry of the queue. Superseded means that the
	// entry is out of date: the job has ended, is deleted, or runs for another entry.
	Begin(ctx context.Context, id JobID, entry int64) (Attempt, error)
	// Heartbeat extends the lease of an attempt and stores its progress. The lease ends
	// HeartbeatTimeout after the last heartbeat.
	Heartbeat(ctx context.Context, attempt Attempt, progress string) error
	// Finish stores the result and ends the job as DONE.
	Finish(ctx context.Context, attempt Attempt, result Result) error
	// Fail ends the job as FAILED. The reason is shown to the user.
	Fail(ctx context.Context, attempt Attempt, reason string) error
	// Release returns the job to QUEUED. counted is false for an attempt that the job did
	// not end itself, such as one of a worker that stops.
	Release(ctx context.Context, attempt Attempt, counted bool) error
}

// A worker sends a heartbeat every HeartbeatInterval. The sweep requeues an attempt without
// a heartbeat for HeartbeatTimeout.
const (
	HeartbeatInterval = 3 * time.Second
	HeartbeatTimeout  = 15 * time.Second
)

// Failure is the reason why a report cannot be generated, in words for its user.
type Failure struct { //nolint:errname // it is the result of an attempt as well as an error
	Reason    string // a sentence without a full stop and without secrets
	Permanent bool   // another attempt fails the same way
	Cause     error  // for the log; may be nil
}

// Error describes the failure for logs.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return f.Reason + ": " + f.Cause.Error()
	}
	return f.Reason
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// SweepResult counts jobs by what a sweep did with them.
type SweepResult struct {
	Promoted int64 // SCHEDULED jobs that are due and became QUEUED
	Requeued int64 // jobs without a live worker that got a new entry in the queue
	Failed   int64 // jobs without a live worker and without an attempt left
}

// PurgeResult counts what a purge deleted.
type PurgeResult struct{ Jobs, Binaries int64 }

// Sweeper is the port of the two periodic tasks on jobs. Any number of processes may call
// it at a time.
type Sweeper interface {
	// Sweep processes one batch of jobs: it promotes due jobs, requeues jobs without a live
	// worker, and fails those that have used maxAttempts.
	Sweep(ctx context.Context, maxAttempts int) (SweepResult, error)
	// Purge deletes one batch of jobs that ended before a time, with their Binaries. A zero
	// result means that nothing is left.
	Purge(ctx context.Context, before time.Time) (PurgeResult, error)
}
