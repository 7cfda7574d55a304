// SPDX-License-Identifier: Apache-2.0

package ordering

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/catalog"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/report"
	"reporting/internal/rest"
)

// laterPath is where who did not want to wait asks again (FHIR R4 async.html). It is no
// address of FHIR's own; clients take it from Content-Location.
const laterPath = "/report-jobs/"

// later answers about one job: 202 as long as it runs, then what the operation would have
// answered with. The roles are those of the operation, and for the result those of results.
func (h *handler) later() rest.Route {
	label := "report-job"
	return rest.Route{Path: laterPath + "{job}", Methods: map[string]rest.Endpoint{
		http.MethodGet:    {Label: label, AnyAccept: true, Serve: h.ask},
		http.MethodDelete: {Label: label, Event: obs.AuditDelete, Authorize: rest.MayRead, Serve: h.cancel},
	}}
}

// stage finds the job that the address names, if it is the caller's.
func (h *handler) stage(r *http.Request, call rest.Call) (report.JobID, report.Stage, error) {
	id, err := uuid.Parse(rest.PathValue(r, "job"))
	if err != nil {
		return report.JobID{}, report.Stage{}, noJob()
	}
	stage, err := h.Orders.Stage(r.Context(), call.Caller.UserID, report.JobID(id))
	if report.KindOf(err) == report.NotFound {
		return report.JobID{}, report.Stage{}, noJob()
	}
	if err != nil {
		return report.JobID{}, report.Stage{}, err
	}
	if kind := catalog.ByClass(h.Reports, stage.ReportClass); kind != nil && !call.Caller.HasRole(kind.Guard()) {
		return report.JobID{}, report.Stage{}, rest.Forbidden("the report", call.Caller.UserType, kind.Guard())
	}
	return report.JobID(id), stage, nil
}

func noJob() *rest.Problem {
	return &rest.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, Diagnostics: "There is no such job of this user.",
	}}}
}

func (h *handler) ask(w http.ResponseWriter, r *http.Request, call rest.Call) (int, error) {
	id, stage, err := h.stage(r, call)
	if err != nil {
		return 0, err
	}
	switch stage.Status {
	case report.Scheduled, report.Queued, report.Running:
		w.Header().Set("X-Progress", cmp.Or(stage.Progress, map[report.Status]string{
			report.Scheduled: "waits for the night", report.Queued: "waits for a worker", report.Running: "is being made",
		}[stage.Status]))
		w.Header().Set("Retry-After", strconv.Itoa(int(h.patience(stage)/time.Second)))
		w.Header().Set("Content-Location", h.Base+laterPath+id.String())
		return 1, rest.WriteOutcome(w, call, http.StatusAccepted, fhir.Information(call.RequestID, "The report is not ready yet."))
	case report.Failed:
		return 0, &rest.Problem{Status: http.StatusInternalServerError, Issues: []fhir.Issue{fhir.Failure(stage.FailureReason)}}
	case report.Done:
		if err := rest.MayRead(call.Caller); err != nil {
			return 0, err
		}
		if stage.Binary != 0 {
			return h.result(w, r, call, stage.Binary)
		}
	case report.Cancelled:
	}
	return 0, &rest.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
		Code: models.IssueTypeDeleted, Diagnostics: "The report was deleted.",
	}}}
}

// patience is how long to wait before asking again.
func (h *handler) patience(stage report.Stage) time.Duration {
	const soon, longest = 5 * time.Second, time.Hour
	if stage.Status != report.Scheduled {
		return soon
	}
	return max(soon, min(stage.Due.Sub(h.Now()), longest))
}

func (h *handler) result(w http.ResponseWriter, r *http.Request, call rest.Call, id int64) (int, error) {
	binary, err := h.Binaries.Binary(r.Context(), report.BinaryPlace{UserID: call.Caller.UserID, ID: id})
	if err != nil {
		return 0, err
	}
	return 1, rest.ServeBinary(w, r, call, h.Base, rest.Stored{Binary: binary, Data: report.NewData(r.Context(), h.Binaries, binary)})
}

// cancel takes the order back (FHIR R4 async.html, delete request).
func (h *handler) cancel(w http.ResponseWriter, r *http.Request, call rest.Call) (int, error) {
	id, _, err := h.stage(r, call)
	if err != nil {
		return 0, err
	}
	if err := h.Orders.Cancel(r.Context(), call.Caller.UserID, id); err != nil {
		return 0, err
	}
	return 1, rest.WriteOutcome(w, call, http.StatusAccepted, fhir.Information(call.RequestID, "The report was cancelled, or deleted."))
}
