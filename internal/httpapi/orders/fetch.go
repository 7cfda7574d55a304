// SPDX-License-Identifier: Apache-2.0

package orders

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/binary"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
)

// Retry-After of a $fetch that is refused: all slots are taken, or the report is too slow.
const (
	retryFull = 5 * time.Second
	retrySlow = 60 * time.Second
)

var errSlow = errors.New("the report took too long to be fetched")

// fetch makes a report while the caller waits. The Binary has no id, because it is not stored.
func (h *handler) fetch(kind *catalog.Report, w http.ResponseWriter, r *httpapi.Request) (int, error) {
	if err := binary.Check(r, report.Binary{UserID: r.Caller.UserID}); err != nil {
		return 0, err
	}
	select {
	case h.fetching <- struct{}{}:
		defer func() { <-h.fetching }()
	default:
		return 0, refused(models.IssueTypeTransient, retryFull,
			fmt.Sprintf("%d reports are being fetched already. Try again shortly, or use $execute-%s.", h.Fetching.AtOnce, kind.Name))
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), h.Fetching.Timeout, errSlow)
	defer cancel()
	file, result, err := kind.Make(ctx, catalog.Request{Parameters: r.Parameters, Time: h.Now()})
	switch {
	case err == nil:
	case r.Context().Err() != nil:
		return 0, &report.Error{Kind: report.Disconnected, Cause: err}
	case errors.Is(context.Cause(ctx), errSlow):
		return 0, refused(models.IssueTypeTimeout, retrySlow,
			fmt.Sprintf("The report takes longer than %s to make, which is too long to wait for. Use $execute-%s.", h.Fetching.Timeout, kind.Name))
	default:
		return 0, failed(err)
	}
	defer func() { _ = file.Close() }()
	return 1, binary.Write(w, r, report.Binary{UserID: r.Caller.UserID, ContentType: result.ContentType}, file)
}

func refused(code models.IssueType, wait time.Duration, diagnostics string) *httpapi.Problem {
	return &httpapi.Problem{
		Status: http.StatusServiceUnavailable, Header: retryAfter(wait),
		Issues: []fhir.Issue{{Code: code, Diagnostics: diagnostics}},
	}
}

// failed is the problem of a report that failed.
func failed(err error) *httpapi.Problem {
	reason := ""
	if failure, ok := errors.AsType[*report.Failure](err); ok {
		reason = failure.Reason
	}
	return &httpapi.Problem{Status: http.StatusInternalServerError, Issues: []fhir.Issue{fhir.Failure(reason)}, Cause: err}
}
