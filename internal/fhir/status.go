// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"strings"

	"reporting/internal/fhir/fhirxml"
	"reporting/internal/report"
)

// Links says how the references in an answer are written.
type Links struct {
	// Base is the public base URL without a slash at its end. Relative
	// references of stored jobs are completed with it.
	Base string
	// AbsoluteFullURL makes entry.fullUrl an absolute URL, [base]/Parameters/<id>,
	// in place of the bare id that the reference service publishes.
	AbsoluteFullURL bool
}

// StatusBundle writes the answer of $get-report-job-status: a collection Bundle
// with one Parameters resource for each job, keys and parts in the published
// order. It appends to whatever buffer it is given, so that a list of any length
// can leave piece by piece.
//
// Its JSON is written by hand because that is what this service does all day:
// samply's types through encoding/json cost several times as much. A test and a
// fuzz target hold it equal to them. Every other style is made from that JSON.
type StatusBundle struct {
	// Outcomes adds a part to failed jobs that tells why they failed. It is set before
	// the first job.
	Outcomes bool

	base    string // what stands before a relative reference, as in JSON
	fullURL string // what stands before the id in entry.fullUrl, as in JSON
	frame   frame
	style   Style
	entry   []byte // scratch, for styles made from JSON
	checked []byte // scratch
	entries int
}

// NewStatusBundle returns an empty Bundle.
func NewStatusBundle(links Links, style Style) *StatusBundle {
	base := string(appendText(nil, links.Base))
	b := &StatusBundle{base: base + "/", frame: frameOf(style), style: style}
	if links.AbsoluteFullURL {
		b.fullURL = base + "/Parameters/"
	}
	return b
}

// Lossless tells whether every job can be written in this style. XML cannot hold
// everything that JSON can.
func (b *StatusBundle) Lossless() bool { return b.style.Format == JSON }

// Check tells without writing whether AppendJob can write a job, at a third of the
// cost: only what others have put into it can go wrong. The error is AppendJob's.
func (b *StatusBundle) Check(job *report.Job) error {
	if b.Lossless() || b.holds(job) {
		return nil
	}
	_, err := b.AppendJob(nil, job)
	return err
}

// holds tells whether this style can hold what others have put into a job.
func (b *StatusBundle) holds(job *report.Job) bool {
	for _, text := range []string{job.ReportClass, job.UserID, job.BinaryReference} {
		if fhirxml.CheckText(text) != nil {
			return false
		}
	}
	// As deep in the entry as it will be.
	b.entry = append(b.entry[:0], `{"resource":{"resourceType":"Parameters","parameter":[{"part":[{"resource":`...)
	b.entry = append(append(b.entry, job.Parameters...), `}]}]}}`...)
	var err error
	b.checked, err = b.style.appendEntry(b.checked[:0], b.entry)
	return err == nil
}

// AppendJob appends the entry of one job and what belongs before it. The error,
// a *fhirjson.Fault, says what of the job this style cannot hold; nothing was
// appended then.
func (b *StatusBundle) AppendJob(dst []byte, job *report.Job) ([]byte, error) {
	before := b.frame.next
	if b.entries == 0 {
		before = b.frame.first
	}
	if b.style == (Style{}) {
		b.entries++
		return b.appendEntry(append(dst, before...), job), nil
	}
	b.entry = b.appendEntry(b.entry[:0], job)
	appended, err := b.style.appendEntry(append(dst, before...), b.entry)
	if err != nil {
		return dst, err
	}
	b.entries++
	return appended, nil
}

// AppendEnd appends the end of the Bundle. A Bundle without jobs has no entry
// element at all: FHIR forbids empty arrays.
func (b *StatusBundle) AppendEnd(dst []byte) []byte {
	if b.entries == 0 {
		return append(dst, b.frame.empty...)
	}
	return append(dst, b.frame.end...)
}

// appendEntry appends an entry in compact JSON.
func (b *StatusBundle) appendEntry(dst []byte, job *report.Job) []byte {
	dst = append(dst, `{"fullUrl":"`...)
	dst = append(dst, b.fullURL...)
	at := len(dst)
	dst, _ = job.ID.AppendText(dst) // never fails
	id := dst[at:]
	dst = append(dst, `","resource":{"resourceType":"Parameters","id":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","parameter":[{"name":"reportJob","part":[{"name":"reportClass","valueString":`...)
	dst = appendString(dst, job.ReportClass)
	dst = append(dst, `},{"name":"userId","valueString":`...)
	dst = appendString(dst, job.UserID)
	dst = append(dst, `},{"name":"status","valueString":`...)
	dst = appendString(dst, string(job.Status))
	if job.BinaryReference != "" {
		dst = append(dst, `},{"name":"binary","valueReference":{"reference":`...)
		dst = append(dst, '"')
		if !strings.Contains(job.BinaryReference, "://") {
			dst = append(dst, b.base...) // relative references are completed with the public base
		}
		dst = append(appendText(dst, job.BinaryReference), `"}`...)
	}
	dst = append(dst, `},{"name":"parameters","resource":`...)
	dst = append(dst, job.Parameters...)
	dst = append(dst, `},{"name":"created","valueDateTime":"`...)
	dst = appendTime(dst, job.Created)
	if !job.Started.IsZero() {
		dst = append(dst, `"},{"name":"started","valueDateTime":"`...)
		dst = appendTime(dst, job.Started)
	}
	if !job.Ended.IsZero() {
		dst = append(dst, `"},{"name":"ended","valueDateTime":"`...)
		dst = appendTime(dst, job.Ended)
	}
	dst = append(dst, `"}`...)
	if b.Outcomes && job.Status == report.Failed {
		dst = b.appendOutcome(dst, job.FailureReason)
	}
	return append(dst, `]}]}}`...)
}
