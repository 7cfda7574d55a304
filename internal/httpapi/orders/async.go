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
	"reporting/internal/httpapi/binary"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
)

// asyncPath is the path of the async status URL (Prefer: respond-async, FHIR R4 async.html).
// FHIR prescribes none; clients take it from Content-Location.
const asyncPath = "/report-jobs/"

// async is the route of the async status URL of a job: 202 while the job is unfinished, then
// the response of the operation. It needs the operation's role, and Binary.read for a result.
func (h *handler) async() httpapi.Route {
	label := "report-job"
	return httpapi.Route{Path: asyncPath + "{job}", Methods: map[string]httpapi.Endpoint{
		http.MethodGet:    {Label: label, AnyAccept: true, Serve: h.ask},
		http.MethodDelete: {Label: label, Event: telemetry.AuditDelete, Authorize: binary.Authorize, Serve: h.cancel},
	}}
}

// state returns the state of the caller's job that the path names.
func (h *handler) state(r *httpapi.Request) (report.JobID, report.JobState, error) {
	id, err := uuid.Parse(r.PathValue("job"))
	if err != nil {
		return report.JobID{}, report.JobState{}, noJob()
	}
	state, err := h.Orders.State(r.Context(), r.Caller.UserID, report.JobID(id))
	if report.KindOf(err) == report.NotFound {
		return report.JobID{}, report.JobState{}, noJob()
	}
	if err != nil {
		return report.JobID{}, report.JobState{}, err
	}
	if kind := catalog.ByClass(h.Reports, state.ReportClass); kind != nil && !r.Caller.HasRole(kind.Guard()) {
		return report.JobID{}, report.JobState{}, httpapi.Forbidden("the report", r.Caller.UserType, kind.Guard())
	}
	return report.JobID(id), state, nil
}

func noJob() *httpapi.Problem {
	return &httpapi.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, Diagnostics: "There is no such job of this user.",
	}}}
}

func (h *handler) ask(w http.ResponseWriter, r *httpapi.Request) (int, error) {
	id, state, err := h.state(r)
	if err != nil {
		return 0, err
	}
	switch state.Status {
	case report.Scheduled, report.Queued, report.Running:
		w.Header().Set("X-Progress", cmp.Or(state.Progress, map[report.Status]string{
			report.Scheduled: "waits for the night", report.Queued: "waits for a worker", report.Running: "is being made",
		}[state.Status]))
		w.Header().Set("Retry-After", strconv.Itoa(int(h.retryAfterOf(state)/time.Second)))
		w.Header().Set("Content-Location", h.Base+asyncPath+id.String())
		return 1, httpapi.WriteOutcome(w, r, http.StatusAccepted, fhir.Information(r.ID, "The report is not ready yet."))
	case report.Failed:
		return 0, &httpapi.Problem{Status: http.StatusInternalServerError, Issues: []fhir.Issue{fhir.Failure(state.FailureReason)}}
	case report.Done:
		if err := binary.Authorize(r.Caller); err != nil {
			return 0, err
		}
		if state.BinaryID != 0 {
			return h.result(w, r, state.BinaryID)
		}
	case report.Cancelled:
	}
	return 0, &httpapi.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
		Code: models.IssueTypeDeleted, Diagnostics: "The report was deleted.",
	}}}
}

// retryAfterOf is how long the client should wait before the next poll.
func (h *handler) retryAfterOf(state report.JobState) time.Duration {
	const soon, longest = 5 * time.Second, time.Hour
	if state.Status != report.Scheduled {
		return soon
	}
	return max(soon, min(state.Due.Sub(h.Now()), longest))
}

func (h *handler) result(w http.ResponseWriter, r *httpapi.Request, id int64) (int, error) {
	b, err := h.Binaries.Binary(r.Context(), report.BinaryKey{UserID: r.Caller.UserID, ID: id})
	if err != nil {
		return 0, err
	}
	return 1, binary.Serve(w, r, h.Base, binary.Stored{Binary: b, Data: report.NewBinaryReader(r.Context(), h.Binaries, b)})
}

// cancel cancels the job (FHIR R4 async.html, delete request).
func (h *handler) cancel(w http.ResponseWriter, r *httpapi.Request) (int, error) {
	id, _, err := h.state(r)
	if err != nil {
		return 0, err
	}
	if err := h.Orders.Cancel(r.Context(), r.Caller.UserID, id); err != nil {
		return 0, err
	}
	return 1, httpapi.WriteOutcome(w, r, http.StatusAccepted, fhir.Information(r.ID, "The report was cancelled, or deleted."))
}
