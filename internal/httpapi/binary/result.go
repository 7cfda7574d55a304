// SPDX-License-Identifier: Apache-2.0

// Package result is Binary: the results of reports, to be read and deleted by those who
// asked for them. internal/app adds it to the API.
package binary

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// pathOf is the address of a Binary. What begins like the name of an operation is no id.
const pathOf = "/Binary/{id:[^$/][^/]*}"

type handler struct {
	binaries report.Binaries
	base     string
	now      func() time.Time
}

// Routes returns the addresses of results. base is the public base URL.
func Routes(binaries report.Binaries, base string, now func() time.Time) []httpapi.Route {
	h := handler{binaries: binaries, base: base, now: now}
	read := func(label string) httpapi.Endpoint {
		return httpapi.Endpoint{Label: label, Authorize: httpapi.MayRead, AnyAccept: true, Serve: h.read}
	}
	return []httpapi.Route{
		{Path: pathOf, Methods: map[string]httpapi.Endpoint{
			http.MethodGet:  read("Binary-read"),
			http.MethodHead: read("Binary-read"),
			http.MethodDelete: {
				Label: "Binary-delete", Event: telemetry.AuditDelete, Authorize: httpapi.MayRead, Serve: h.delete,
			},
		}},
		{Path: pathOf + "/_history/{version}", Methods: map[string]httpapi.Endpoint{
			http.MethodGet:  read("Binary-vread"),
			http.MethodHead: read("Binary-vread"),
		}},
	}
}

// place reads the address. What is no number names nothing that there is.
func place(r *http.Request, caller auth.Principal) (place report.BinaryKey, ok bool) {
	id, err := strconv.ParseInt(httpapi.PathValue(r, "id"), 10, 64)
	place = report.BinaryKey{UserID: caller.UserID, ID: id}
	if version := httpapi.PathValue(r, "version"); version != "" && err == nil {
		place.Version, err = strconv.Atoi(version)
		return place, err == nil && id > 0 && place.Version > 0
	}
	return place, err == nil && id > 0
}

func (h handler) read(w http.ResponseWriter, r *http.Request, call httpapi.Call) (disclosed int, err error) {
	place, ok := place(r, call.Caller)
	if !ok {
		return 0, notFound(r)
	}
	binary, err := h.binaries.Binary(r.Context(), place)
	if err != nil {
		return 0, missing(r, err)
	}
	return 1, httpapi.ServeBinary(w, r, call, h.base, httpapi.Stored{Binary: binary, Data: report.NewBinaryReader(r.Context(), h.binaries, binary)})
}

func (h handler) delete(w http.ResponseWriter, r *http.Request, call httpapi.Call) (disclosed int, err error) {
	begun := h.now()
	place, ok := place(r, call.Caller)
	if !ok {
		return 0, notFound(r)
	}
	if err := h.binaries.Delete(r.Context(), place.UserID, place.ID); err != nil {
		return 0, missing(r, err)
	}
	return 1, httpapi.WriteOutcome(w, call, http.StatusOK, fhir.Deleted(call.RequestID, h.now().Sub(begun)))
}

// missing says in FHIR's words what is not there.
func missing(r *http.Request, err error) error {
	kind := report.KindOf(err)
	if kind == report.NotFound {
		return notFound(r)
	}
	if kind == report.Deleted {
		return &httpapi.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
			Code: models.IssueTypeDeleted, Diagnostics: fmt.Sprintf("Resource Binary with id %.64s was deleted.", httpapi.PathValue(r, "id")),
		}}}
	}
	return err
}

// notFound is also what somebody else's is.
func notFound(r *http.Request) error {
	return &httpapi.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, MessageCode: "GENERAL_RESOURCE_NOT_FOUND",
		Diagnostics: fmt.Sprintf("Resource Binary with id %.64s is not found.", wanted(r)),
	}}}
}

// wanted is what the address asks for.
func wanted(r *http.Request) string {
	if version := httpapi.PathValue(r, "version"); version != "" {
		return fmt.Sprintf("%.32s and version %.16s", httpapi.PathValue(r, "id"), version)
	}
	return httpapi.PathValue(r, "id")
}
