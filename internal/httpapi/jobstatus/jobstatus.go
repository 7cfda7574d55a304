// SPDX-License-Identifier: Apache-2.0

// Package jobstatus is the operation $get-report-job-status: the list of the caller's report
// jobs. It knows no SQL. internal/app adds it to the operation registry.
package jobstatus

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
)

const description = `Tells a caller how the reports are doing that they scheduled or executed.

The caller is the claim user_id of the bearer token; the response never contains jobs of other users, and no role is needed.

The answer is a Bundle of type collection with one Parameters resource for each job, newest first. A user without jobs gets a Bundle without entries. Each resource has one parameter, reportJob, with these parts:

* reportClass: the class of the report
* userId: whose job it is
* status: SCHEDULED, QUEUED, RUNNING, DONE, FAILED or CANCELLED
* binary: a reference to the Binary with the result, when there is one
* parameters: the Parameters resource that the report was asked for with
* created, started, ended: when the job was made, began and ended; the latter two are absent until then
* outcome: with the input outcome=true, of a failed job, an OperationOutcome that tells why

The other inputs choose among the caller's jobs. Without any, all are answered. An input that is not listed here is ignored, unless the client sends Prefer: handling=strict.`

// New returns the operation, which reads from jobs.
func New(jobs report.Jobs, links fhir.Links) httpapi.Operation {
	h := handler{jobs: jobs, links: links}
	return httpapi.Operation{
		Operation: fhir.Operation{
			Name:         "get-report-job-status",
			Title:        "Get Report Job Status",
			Description:  description,
			AffectsState: false,
			Parameters:   parameters(),
		},
		Endpoint: httpapi.Endpoint{Serve: h.serve},
	}
}

type handler struct {
	jobs  report.Jobs
	links fhir.Links
}

// serve encodes rows as they arrive. A list that fits one page is sent after its last row was
// read, so that an error until then gets its status.
func (h handler) serve(w http.ResponseWriter, r *httpapi.Request) (disclosed int, err error) {
	wanted, err := filter(r)
	if err != nil {
		return 0, err
	}
	l := &list{response: httpapi.NewResponse(w, r), pages: newPages(h.jobs, wanted.Filter)}
	defer l.response.Release()
	l.bundle = h.newBundle(r, wanted)
	if !l.bundle.Lossless() {
		whole, err := l.check(r.Context())
		if err != nil {
			return 0, err
		}
		if whole {
			return l.count, l.end()
		}
		// Read the list again: it is too long to keep.
		*l = list{response: l.response, pages: newPages(h.jobs, wanted.Filter), bundle: h.newBundle(r, wanted)}
	}
	for {
		more, err := l.pages.next(r.Context(), l.append)
		if err != nil {
			return l.count, err
		}
		if !more {
			return l.count, l.end()
		}
		l.pages.resize(len(l.response.Buffer))
		if err := l.response.Flush(); err != nil {
			return l.count, err
		}
	}
}

func (h handler) newBundle(r *httpapi.Request, wanted query) *fhir.StatusBundle {
	bundle := fhir.NewStatusBundle(h.links, r.Choice.Style)
	bundle.Outcomes = wanted.outcomes
	return bundle
}

// list is the response while it is made.
type list struct {
	response *httpapi.Response
	bundle   *fhir.StatusBundle
	pages    *pages
	count    int // jobs so far
}

// append appends a job. It returns errPageFull after a job that fills the buffer.
func (l *list) append(job *report.Job) error {
	l.response.Encoding()
	l.count++
	appended, err := l.bundle.AppendJob(l.response.Buffer, job)
	if err != nil {
		return unwritable(job, err)
	}
	l.response.Buffer = appended
	l.pages.advance(job)
	if l.response.NeedsFlush() {
		return errPageFull
	}
	return nil
}

func (l *list) end() error {
	l.response.Buffer = l.bundle.AppendEnd(l.response.Buffer)
	return l.response.End()
}

// check returns an error if a job cannot be encoded in the negotiated format. It runs before
// the first byte is sent, because no error can be reported afterwards. whole is true if the
// buffer then holds the whole list; a longer list must be read again, so that memory stays
// flat.
func (l *list) check(ctx context.Context) (whole bool, err error) {
	whole = true
	for more := true; more; {
		more, err = l.pages.next(ctx, func(job *report.Job) error {
			if !whole {
				l.pages.advance(job)
				return unwritable(job, l.bundle.Check(job))
			}
			err := l.append(job)
			if errors.Is(err, errPageFull) {
				whole = false
				l.response.Buffer = l.response.Buffer[:0]
				return nil
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return whole, nil
}

func unwritable(job *report.Job, err error) error {
	if err == nil {
		return nil
	}
	return httpapi.NotAcceptable(fmt.Sprintf("Report job %s cannot be written in this format without loss: %v Ask for application/fhir+json.",
		job.ID, err))
}
