// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/hex"
	"time"
)

// JobID is the identity of a job: the sixteen bytes of a UUID (RFC 9562).
type JobID [16]byte

// jobIDLength is the length of a UUID in text: 32 hexadecimal digits, 4 hyphens.
const jobIDLength = 36

// AppendText appends the lower-case text form, as in
// ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc. The error is always nil; it is there
// for encoding.TextAppender.
func (id JobID) AppendText(dst []byte) ([]byte, error) {
	var text [jobIDLength]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(dst, text[:]...), nil
}

// String returns the lower-case text form.
func (id JobID) String() string {
	text, _ := id.AppendText(nil)
	return string(text)
}

// Job is one report that a user scheduled or executed.
type Job struct {
	ID          JobID
	ReportClass string // name of the report's generator class, 1 to 512 characters
	UserID      string // who owns it: opaque, compared byte for byte
	Status      Status
	// BinaryReference points to the result: a relative FHIR reference such as
	// Binary/7, or an absolute URL. Empty while there is none.
	BinaryReference string
	// Parameters is the Parameters resource that the report was asked for with,
	// as JSON text, byte for byte as it was stored.
	Parameters []byte
	Created    time.Time
	Started    time.Time // zero: not started yet
	Ended      time.Time // zero: not ended yet
	// FailureReason says in words why a job failed; empty: nobody has said.
	FailureReason string
}

// Filter says which jobs are wanted.
type Filter struct {
	// UserID is the caller; only jobs with exactly this owner are read. An
	// empty UserID owns nothing.
	UserID string
	// Statuses are the states wanted; none means all.
	Statuses []Status
	// Since is the earliest creation wanted, itself included; zero means any.
	Since time.Time
	// After is where to begin in the list: behind that place. Zero means at its head.
	After Cursor
	// Count is how many jobs are wanted at most, the newest; zero means all.
	Count int
}

// Place is where a job stands in the list of its owner. It never changes, as long as
// there is the job.
type Cursor struct {
	Created time.Time
	ID      JobID
}

// IsZero tells whether it is no place at all.
func (p Cursor) IsZero() bool { return p.Created.IsZero() }

// Place is where the job stands.
func (j *Job) Cursor() Cursor { return Cursor{Created: j.Created, ID: j.ID} }

// Jobs is the port through which jobs are read.
type Jobs interface {
	// EachJob calls yield for every job that the filter selects, newest
	// created first and ties by id, while they arrive from the store. The job and its
	// Parameters belong to the store and may be overwritten after yield returns, so
	// yield copies what it keeps. A connection to the store waits for yield, which
	// therefore waits for nobody: a list for a client is read in pieces, with Count and
	// After, and sent between them.
	//
	// An error of yield ends the reading and is returned as it is. Every other
	// error is of type *Error.
	EachJob(ctx context.Context, filter Filter, yield func(*Job) error) error
}
