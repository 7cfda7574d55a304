// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/hex"
	"time"
)

// JobID is the identity of a job: the sixteen bytes of a UUID (RFC 9562).
type JobID [16]byte

// jobIDLength is the length of a UUID as text: 32 hexadecimal digits and 4 hyphens.
const jobIDLength = 36

// AppendText implements encoding.TextAppender. It appends the lower-case text form, such
// as ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc. The error is always nil.
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

// Job is one report that a user ordered.
type Job struct {
	ID          JobID
	ReportClass string // name of the report's generator class, 1 to 512 characters
	UserID      string // the owner: opaque, compared byte for byte
	Status      Status
	// BinaryReference points to the result: a relative FHIR reference such as Binary/7, or
	// an absolute URL. It is empty while there is no result.
	BinaryReference string
	// Parameters is the Parameters resource of the order, as JSON text, byte for byte as it
	// was stored.
	Parameters []byte
	Created    time.Time
	Started    time.Time // zero: not started
	Ended      time.Time // zero: not ended
	// FailureReason tells the user why the job failed. It may be empty.
	FailureReason string
}

// Filter selects jobs.
type Filter struct {
	// UserID is the caller. Only jobs with exactly this owner are read. An empty UserID
	// owns no job.
	UserID string
	// Statuses are the selected states; none means all.
	Statuses []Status
	// Since is the earliest creation time, inclusive; zero means any.
	Since time.Time
	// After is the cursor behind which the list continues; zero means from its start.
	After Cursor
	// Count is the maximum number of jobs, newest first; zero means all.
	Count int
}

// Cursor is the keyset position of a job in its owner's list. It never changes.
type Cursor struct {
	Created time.Time
	ID      JobID
}

// IsZero reports whether c is no position.
func (c Cursor) IsZero() bool { return c.Created.IsZero() }

// Cursor returns the position of the job.
func (j *Job) Cursor() Cursor { return Cursor{Created: j.Created, ID: j.ID} }

// Jobs is the port through which users list their jobs.
type Jobs interface {
	// EachJob calls yield for every job that the filter selects, newest first and ties by
	// id, while the rows arrive from the store. The job and its Parameters are overwritten
	// after yield returns, so yield copies what it keeps. EachJob holds a connection until
	// it returns, so yield must not block: a caller with a long list reads pages with Count
	// and After, and sends each page between two calls.
	//
	// EachJob returns an error of yield unchanged. Every other error is of type *Error.
	EachJob(ctx context.Context, filter Filter, yield func(*Job) error) error
}
