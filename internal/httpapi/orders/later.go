// SPDX-License-Identifier: Apache-2.0

package orders

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
)

// laterPath is where who did not want to wait asks again (FHIR R4 async.html). It is no
// address of FHIR's own; clients take it from Content-Location.
const laterPath = "/report-jobs/"

// later answers about one job: 202 as long as it runs, then what the operation would have
// answered with. The roles are those of the operation, and for the result those of results.
func (h *handler) later() httpapi.Route {
	label := "report-job"
	return httpapi.Route{Path: laterPath + "{job}", Methods: map[string]httpapi.Endpoint{
		http.MethodGet:    {Label: label, AnyAccept: true, Serve: h.ask},
		http.MethodDelete: {Label: label, Event: telemetry.AuditDelete, Authorize: httpapi.MayRead, Serve: h.cancel},
	}}
}

// stage finds the job that the address names, if it is the caller's.
func (h *handler) stage(r *http.Request, call httpapi.Call) (report.JobID, report.JobState, error) {
	id, err := uuid.Parse(httpapi.PathValue(r, "job"))
	if err != nil {
		return report.JobID{}, report.JobState{}, noJob()
	}
	stage, err := h.Orders.State(r.Context(), call.Caller.UserID, report.JobID(id))
	if report.KindOf(err) == report.NotFound {
		return report.JobID{}, report.JobState{}, noJob()
	}
	if err != nil {
		return report.JobID{}, report.JobState{}, err
	}
	if kind := catalog.ByClass(h.Reports, stage.ReportClass); kind != nil && !call.Caller.HasRole(kind.Guard()) {
		return report.JobID{}, report.JobState{}, httpapi.Forbidden("the report", call.Caller.UserType, kind.Guard())
	}
	return report.JobID(id), stage, nil
}

func noJob() *httpapi.Problem {
	return &httpapi.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, Diagnostics: "There is no such job of this user.",
	}}}
}

func (h *handler) ask(w http.ResponseWriter, r *http.Request, call httpapi.Call) (int, error) {
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
		return 1, httpapi.WriteOutcome(w, call, http.StatusAccepted, fhir.Information(call.RequestID, "The report is not ready yet."))
	case report.Failed:
		return 0, &httpapi.Problem{Status: http.StatusInternalServerError, Issues: []fhir.Issue{fhir.Failure(stage.FailureReason)}}
	case report.Done:
		if err := httpapi.MayRead(call.Caller); err != nil {
			return 0, err
		}
		if stage.BinaryID != 0 {
			return h.result(w, r, call, stage.BinaryID)
		}
	case report.Cancelled:
	}
	return 0, &httpapi.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
		Code: models.IssueTypeDeleted, Diagnostics: "The report was deleted.",
	}}}
}

// patience is how long to wait before asking again.
func (h *handler) patience(stage report.JobState) time.Duration {
	const soon, longest = 5 * time.Second, time.Hour
	if stage.Status != report.Scheduled {
		return soon
	}
	return max(soon, min(stage.Due.Sub(h.Now()), longest))
}

func (h *handler) result(w http.ResponseWriter, r *http.Request, call httpapi.Call, id int64) (int, error) {
	binary, err := h.Binaries.Binary(r.Context(), report.BinaryKey{UserID: call.Caller.UserID, ID: id})
	if err != nil {
		return 0, err
	}
	return 1, httpapi.ServeBinary(w, r, call, h.Base, httpapi.Stored{Binary: binary, Data: report.NewBinaryReader(r.Context(), h.Binaries, binary)})
}

// cancel takes the order back (FHIR R4 async.html, delete request).
func (h *handler) cancel(w http.ResponseWriter, r *http.Request, call httpapi.Call) (int, error) {
	id, _, err := h.stage(r, call)
	if err != nil {
		return 0, err
	}
	if err := h.Orders.Cancel(r.Context(), call.Caller.UserID, id); err != nil {
		return 0, err
	}
	return 1, httpapi.WriteOutcome(w, call, http.StatusAccepted, fhir.Information(call.RequestID, "The report was cancelled, or deleted."))
}
