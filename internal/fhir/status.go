// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"strings"

	"reporting/internal/fhir/fhirxml"
	"reporting/internal/report"
)

// Links configures the references in a response.
type Links struct {
	// Base is the public base URL without a trailing slash. It completes relative references of
	// stored jobs.
	Base string
	// AbsoluteFullURL makes entry.fullUrl an absolute URL, [base]/Parameters/<id>, instead of
	// the bare id that the reference service sends.
	AbsoluteFullURL bool
}

// StatusBundle writes the response of $get-report-job-status: a collection Bundle with one
// Parameters resource for each job, with members in the published order. It appends to any
// buffer, so that a long list can be sent in pieces.
//
// The JSON is written by hand, because this is the hot path: samply types with encoding/json
// cost several times as much. A test and a fuzz target compare both. All other styles are
// converted from that JSON.
type StatusBundle struct {
	// Outcomes adds a part with the reason to failed jobs. Set it before the first job.
	Outcomes bool

	base    string // prefix of a relative reference, as JSON text
	fullURL string // prefix of the id in entry.fullUrl, as JSON text
	frame   frame
	style   Style
	entry   []byte // scratch, for styles other than JSON
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

// Lossless reports whether the style can represent every job. XML cannot represent everything
// that JSON can.
func (b *StatusBundle) Lossless() bool { return b.style.Format == JSON }

// Check returns the error that AppendJob would return, at a third of the cost. Only stored
// content can be the cause.
func (b *StatusBundle) Check(job *report.Job) error {
	if b.Lossless() || b.holds(job) {
		return nil
	}
	_, err := b.AppendJob(nil, job)
	return err
}

// holds reports whether the style can represent the stored content of a job.
func (b *StatusBundle) holds(job *report.Job) bool {
	for _, text := range []string{job.ReportClass, job.UserID, job.BinaryReference} {
		if fhirxml.CheckText(text) != nil {
			return false
		}
	}
	// The same depth as in the response.
	b.entry = append(b.entry[:0], `{"resource":{"resourceType":"Parameters","parameter":[{"part":[{"resource":`...)
	b.entry = append(append(b.entry, job.Parameters...), `}]}]}}`...)
	var err error
	b.checked, err = b.style.appendEntry(b.checked[:0], b.entry)
	return err == nil
}

// AppendJob appends the separator and the entry of a job. Its error is a *fhirjson.Fault for
// content that the style cannot represent; nothing is appended then.
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

// AppendEnd appends the end of the Bundle. A Bundle without jobs has no entry element, because
// FHIR forbids empty arrays.
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
