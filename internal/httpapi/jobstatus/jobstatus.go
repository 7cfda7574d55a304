// SPDX-License-Identifier: Apache-2.0

// Package jobstatus is the operation $get-report-job-status: how the caller's
// reports are doing. internal/app adds it to the operation registry.
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

The caller is the claim user_id of the bearer token; nobody else's jobs are ever part of the answer, and no role is needed.

The answer is a Bundle of type collection with one Parameters resource for each job, newest first. A user without jobs gets a Bundle without entries. Each resource has one parameter, reportJob, with these parts:

* reportClass: the class of the report
* userId: whose job it is
* status: SCHEDULED, QUEUED, RUNNING, DONE, FAILED or CANCELLED
* binary: a reference to the Binary with the result, when there is one
* parameters: the Parameters resource that the report was asked for with
* created, started, ended: when the job was made, began and ended; the latter two are absent until then
* outcome: with the input outcome=true, of a failed job, an OperationOutcome that tells why

The other inputs choose among the caller's jobs. Without any, all are answered. An input that is not listed here is ignored, unless the client sends Prefer: handling=strict.`

// New returns the operation, reading from jobs.
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

// serve encodes rows as they come. What fits one page is sent only after the last row
// was read, so a failure until then is still an honest status.
func (h handler) serve(w http.ResponseWriter, r *http.Request, call httpapi.Call) (disclosed int, err error) {
	wanted, err := filter(call)
	if err != nil {
		return 0, err
	}
	newBundle := func() *fhir.StatusBundle {
		bundle := fhir.NewStatusBundle(h.links, call.Choice.Style)
		bundle.Outcomes = wanted.outcomes
		return bundle
	}
	answer := httpapi.NewResponse(w, call)
	defer answer.Release()
	bundle := newBundle()
	if !bundle.Lossless() {
		count, whole, err := h.check(r.Context(), answer, bundle, wanted.Filter)
		if err != nil {
			return 0, err
		}
		if whole {
			return count, end(answer, bundle)
		}
		bundle = newBundle()
	}
	list := newPages(h.jobs, wanted.Filter)
	for {
		more, err := list.next(r.Context(), func(job *report.Job) error {
			disclosed++
			return appendJob(answer, bundle, job)
		})
		if err != nil {
			return disclosed, err
		}
		if !more {
			return disclosed, end(answer, bundle)
		}
		list.filled(len(answer.Buffer))
		if err := answer.Flush(); err != nil {
			return disclosed, err
		}
	}
}

func end(answer *httpapi.Response, bundle *fhir.StatusBundle) error {
	answer.Buffer = bundle.AppendEnd(answer.Buffer)
	return answer.End()
}

// check finds out whether every job can be written before the first byte is sent:
// afterwards nothing could be said about one that cannot. A list that fits the
// buffer is whole then; a longer one is read a second time, so that memory stays
// flat.
func (h handler) check(ctx context.Context, answer *httpapi.Response, bundle *fhir.StatusBundle, wanted report.Filter) (count int, whole bool, err error) {
	whole = true
	list := newPages(h.jobs, wanted)
	for more := true; more; {
		more, err = list.next(ctx, func(job *report.Job) error {
			count++
			if !whole {
				return unwritable(job, bundle.Check(job))
			}
			err := appendJob(answer, bundle, job)
			if errors.Is(err, errFull) {
				whole = false
				answer.Buffer = answer.Buffer[:0]
				return nil
			}
			return err
		})
		if err != nil {
			return 0, false, err
		}
	}
	return count, whole, nil
}

// appendJob appends a job. The error errFull says that it was appended, and fills a
// page.
func appendJob(answer *httpapi.Response, bundle *fhir.StatusBundle, job *report.Job) error {
	answer.Encoding()
	appended, err := bundle.AppendJob(answer.Buffer, job)
	if err != nil {
		return unwritable(job, err)
	}
	answer.Buffer = appended
	if answer.NeedsFlush() {
		return errFull
	}
	return nil
}

func unwritable(job *report.Job, err error) error {
	if err == nil {
		return nil
	}
	return httpapi.NotAcceptable(fmt.Sprintf("Report job %s cannot be written in this format without loss: %v Ask for application/fhir+json.",
		job.ID, err))
}
