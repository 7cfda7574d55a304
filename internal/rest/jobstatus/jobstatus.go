// SPDX-License-Identifier: Apache-2.0

// Package jobstatus is the operation $get-report-job-status: how the caller's
// reports are doing. internal/app adds it to the operation registry.
package jobstatus

import (
	"net/http"

	"reporting/internal/fhir"
	"reporting/internal/report"
	"reporting/internal/rest"
)

const description = `Tells a caller how the reports are doing that they scheduled or executed.

The caller is the claim user_id of the bearer token; nobody else's jobs are ever part of the answer, and no role is needed.

The answer is a Bundle of type collection with one Parameters resource for each job, newest first. A user without jobs gets a Bundle without entries. Each resource has one parameter, reportJob, with these parts:

* reportClass: the class of the report
* userId: whose job it is
* status: SCHEDULED, QUEUED, RUNNING, DONE, FAILED or CANCELLED
* binary: a reference to the Binary with the result, when there is one
* parameters: the Parameters resource that the report was asked for with
* created, started, ended: when the job was made, began and ended; the latter two are absent until then`

// New returns the operation, reading from jobs.
func New(jobs report.Jobs, links fhir.Links) rest.Operation {
	h := handler{jobs: jobs, links: links}
	return rest.Operation{
		Operation: fhir.Operation{
			Name:         "get-report-job-status",
			Title:        "Get Report Job Status",
			Description:  description,
			AffectsState: false,
			Parameters: []fhir.OperationParameter{{
				Name: "return", Out: true, Min: 0, Max: "1", Type: "Bundle",
				Documentation: "The caller's report jobs, newest first.",
			}},
		},
		Serve: h.serve,
	}
}

type handler struct {
	jobs  report.Jobs
	links fhir.Links
}

// serve encodes rows as they come. What fits one buffer is sent only after the
// last row was read, so a failure until then is still an honest status.
func (h handler) serve(w http.ResponseWriter, r *http.Request, call rest.Call) error {
	answer := rest.NewAnswer(w)
	defer answer.Release()
	bundle := fhir.NewStatusBundle(h.links)
	err := h.jobs.EachJob(r.Context(), report.Filter{UserID: call.Caller.UserID}, func(job *report.Job) error {
		answer.Buffer = bundle.AppendJob(answer.Buffer, job)
		return answer.Flush()
	})
	if err != nil {
		return err
	}
	answer.Buffer = bundle.AppendEnd(answer.Buffer)
	return answer.End()
}
