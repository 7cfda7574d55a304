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
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

func (h *handler) execute(kind *catalog.Report, w http.ResponseWriter, r *http.Request, call httpapi.Call) (int, error) {
	return h.order(w, r, call, report.Order{ReportClass: kind.Class})
}

func (h *handler) schedule(kind *catalog.Report, w http.ResponseWriter, r *http.Request, call httpapi.Call) (int, error) {
	return h.order(w, r, call, report.Order{ReportClass: kind.Class, Due: h.Night.Next(h.Now())})
}

// order places an order and answers with the placeholder; or, for who would rather not
// wait, with the address at which to ask again.
func (h *handler) order(w http.ResponseWriter, r *http.Request, call httpapi.Call, order report.Order) (int, error) {
	order.UserID, order.Parameters, order.Source = call.Caller.UserID, call.Body, call.RequestID
	if utf8.RuneCountInString(order.UserID) > report.MaxUserIDLength {
		return 0, &httpapi.Problem{Status: http.StatusForbidden, Issues: []fhir.Issue{{
			Code:        models.IssueTypeForbidden,
			Diagnostics: fmt.Sprintf("The token's user_id has more than the %d characters that the owner of a job may have.", report.MaxUserIDLength),
		}}}
	}
	async := negotiation.Async(r.Header.Values("Prefer"))
	if !async {
		// Not when the order is placed already.
		if err := httpapi.CheckBinary(call, report.Binary{UserID: order.UserID, Source: order.Source}); err != nil {
			return 0, err
		}
	}
	placed, err := h.Orders.Submit(r.Context(), order)
	if report.KindOf(err) == report.LimitExceeded {
		return 0, excess()
	}
	if err != nil {
		return 0, err
	}
	if async {
		w.Header().Set("Content-Location", h.Base+laterPath+placed.JobID.String())
		w.Header().Set("Preference-Applied", "respond-async")
		return 1, httpapi.WriteOutcome(w, call, http.StatusAccepted,
			fhir.Information(call.RequestID, "The report was ordered. The address in Content-Location tells how it is doing."))
	}
	version := httpapi.VersionURL(h.Base, placed.Binary)
	w.Header().Set("Location", version)
	w.Header().Set("Content-Location", version)
	w.Header().Set("Last-Modified", placed.Binary.LastUpdated.Format(http.TimeFormat))
	return 1, httpapi.WriteBinary(w, call, placed.Binary, strings.NewReader(report.Placeholder))
}

// retryExcess is about how long one report takes.
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
