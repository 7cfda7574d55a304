// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"io"
	"time"
)

// Run is one attempt at making the report of a job. Each attempt has a number, and what
// an earlier one says after a later one has begun counts for nothing: so a job that runs
// twice still ends once, with one result.
type Attempt struct {
	JobID       JobID
	Number      int // from 1
	Counted     int // attempts that count, this one included
	ReportClass string
	Parameters  []byte
	Due         time.Time // when it could have begun first
}

// Result is what a report was made into.
type Result struct {
	ContentType string
	FileName    string
	Size        int64 // bytes
	Data        io.Reader
}

// Runs is the port through which reports are made. Errors are of type *Error; Lost is
// that of a run that is not the job's any more.
type Attempts interface {
	// Begin begins an attempt at a job for an entry of the queue. Lost says that there is
	// nothing to do for this entry: the job has ended, is gone, or somebody else is at it.
	Begin(ctx context.Context, id JobID, entry int64) (Attempt, error)
	// Beat is a sign of life, with how far the run has come. It has to come more often
	// than BeatsMissed allows.
	Heartbeat(ctx context.Context, run Attempt, progress string) error
	// Finish stores the result and ends the job as DONE.
	Finish(ctx context.Context, run Attempt, result Result) error
	// Fail ends the job as FAILED, with a reason for people.
	Fail(ctx context.Context, run Attempt, reason string) error
	// HandBack puts the job back into the queue. An attempt that does not count was not
	// the job's fault.
	Release(ctx context.Context, run Attempt, counts bool) error
}

// A worker says BeatEvery that it is alive. One that was not heard of for BeatsMissed is
// taken for dead, and its job is given to another.
const (
	HeartbeatInterval = 3 * time.Second
	HeartbeatTimeout  = 15 * time.Second
)

// Failure is why a report could not be made, in words for its user.
type Failure struct { //nolint:errname // what a report ends with, and not only an error
	Reason string // a sentence without a full stop, that holds nothing secret
	// Lasting tells that another attempt would end the same way.
	Permanent bool
	Cause     error // for the log, or nil
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

// Tending is what became of jobs that nobody was at.
type SweepResult struct {
	Promoted int64 // their hour had come
	Requeued int64 // their worker was gone
	Failed   int64 // the same, and they had no attempt left
}

// Cleared is what was too old.
type PurgeResult struct{ Jobs, Results int64 }

// Keeper is the port through which jobs are looked after, by any number of processes at
// a time.
type Sweeper interface {
	// Tend sees to jobs whose hour has come or whose worker is gone.
	Sweep(ctx context.Context, attempts int) (SweepResult, error)
	// Requeue sees to jobs that wait, and have no entry in the queue any more.
	Requeue(ctx context.Context) (int64, error)
	// Clear deletes some of the jobs that ended before a time, and their results. It is
	// called until nothing is left.
	Purge(ctx context.Context, before time.Time) (PurgeResult, error)
}
