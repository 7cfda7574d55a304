// SPDX-License-Identifier: Apache-2.0

package orders

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/binary"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

func (h *handler) execute(kind *catalog.Report, w http.ResponseWriter, r *httpapi.Request) (int, error) {
	return h.order(w, r, report.Order{ReportClass: kind.Class})
}

func (h *handler) schedule(kind *catalog.Report, w http.ResponseWriter, r *httpapi.Request) (int, error) {
	return h.order(w, r, report.Order{ReportClass: kind.Class, Due: h.Night.Next(h.Now())})
}

// order submits an order and responds with the placeholder Binary or, with Prefer:
// respond-async, with the async status URL.
func (h *handler) order(w http.ResponseWriter, r *httpapi.Request, order report.Order) (int, error) {
	order.UserID, order.Parameters, order.Source = r.Caller.UserID, r.Parameters, r.ID
	if utf8.RuneCountInString(order.UserID) > report.MaxUserIDLength {
		return 0, &httpapi.Problem{Status: http.StatusForbidden, Issues: []fhir.Issue{{
			Code:        models.IssueTypeForbidden,
			Diagnostics: fmt.Sprintf("The token's user_id has more than the %d characters that the owner of a job may have.", report.MaxUserIDLength),
		}}}
	}
	async := negotiation.Async(r.Header.Values("Prefer"))
	if !async {
		// Before the order is submitted.
		if err := binary.Check(r, report.Binary{UserID: order.UserID, Source: order.Source}); err != nil {
			return 0, err
		}
	}
	submission, err := h.Orders.Submit(r.Context(), order)
	if report.KindOf(err) == report.LimitExceeded {
		return 0, excess()
	}
	if err != nil {
		return 0, err
	}
	if async {
		w.Header().Set("Content-Location", h.Base+asyncPath+submission.JobID.String())
		w.Header().Set("Preference-Applied", "respond-async")
		return 1, httpapi.WriteOutcome(w, r, http.StatusAccepted,
			fhir.Information(r.ID, "The report was ordered. The address in Content-Location tells how it is doing."))
	}
	version := binary.VersionURL(h.Base, submission.Binary)
	w.Header().Set("Location", version)
	w.Header().Set("Content-Location", version)
	w.Header().Set("Last-Modified", submission.Binary.LastUpdated.Format(http.TimeFormat))
	return 1, binary.Write(w, r, submission.Binary, strings.NewReader(report.Placeholder))
}

// retryExcess is the Retry-After of a user with too many unfinished jobs: about how long
// one report takes.
const retryExcess = 30 * time.Second

func excess() *httpapi.Problem {
	return &httpapi.Problem{
		Status: http.StatusTooManyRequests, Header: retryAfter(retryExcess),
		Issues: []fhir.Issue{{
			Code:        models.IssueTypeThrottled,
			Diagnostics: fmt.Sprintf("This user has %d reports waiting or being made. Ask for more when some have ended.", report.MaxUnfinishedJobs),
		}},
	}
}

func retryAfter(wait time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(wait / time.Second))}}
}
