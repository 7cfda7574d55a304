// SPDX-License-Identifier: Apache-2.0

// Package result is Binary: the results of reports, to be read and deleted by those who
// asked for them. internal/app adds it to the API.
package result

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/obs"
	"reporting/internal/report"
	"reporting/internal/rest"
)

// pathOf is the address of a Binary. What begins like the name of an operation is no id.
const pathOf = "/Binary/{id:[^$/][^/]*}"

type handler struct {
	binaries report.Binaries
	base     string
	now      func() time.Time
}

// Routes returns the addresses of results. base is the public base URL.
func Routes(binaries report.Binaries, base string, now func() time.Time) []rest.Route {
	h := handler{binaries: binaries, base: base, now: now}
	read := func(label string) rest.Endpoint {
		return rest.Endpoint{Label: label, Authorize: rest.MayRead, AnyAccept: true, Serve: h.read}
	}
	return []rest.Route{
		{Path: pathOf, Methods: map[string]rest.Endpoint{
			http.MethodGet:  read("Binary-read"),
			http.MethodHead: read("Binary-read"),
			http.MethodDelete: {
				Label: "Binary-delete", Event: obs.AuditDelete, Authorize: rest.MayRead, Serve: h.delete,
			},
		}},
		{Path: pathOf + "/_history/{version}", Methods: map[string]rest.Endpoint{
			http.MethodGet:  read("Binary-vread"),
			http.MethodHead: read("Binary-vread"),
		}},
	}
}

// place reads the address. What is no number names nothing that there is.
func place(r *http.Request, caller auth.Principal) (place report.BinaryPlace, ok bool) {
	id, err := strconv.ParseInt(rest.PathValue(r, "id"), 10, 64)
	place = report.BinaryPlace{UserID: caller.UserID, ID: id}
	if version := rest.PathValue(r, "version"); version != "" && err == nil {
		place.Version, err = strconv.Atoi(version)
		return place, err == nil && id > 0 && place.Version > 0
	}
	return place, err == nil && id > 0
}

func (h handler) read(w http.ResponseWriter, r *http.Request, call rest.Call) (disclosed int, err error) {
	place, ok := place(r, call.Caller)
	if !ok {
		return 0, notFound(r)
	}
	binary, err := h.binaries.Binary(r.Context(), place)
	if err != nil {
		return 0, missing(r, err)
	}
	return 1, rest.ServeBinary(w, r, call, h.base, rest.Stored{Binary: binary, Data: report.NewData(r.Context(), h.binaries, binary)})
}

func (h handler) delete(w http.ResponseWriter, r *http.Request, call rest.Call) (disclosed int, err error) {
	begun := h.now()
	place, ok := place(r, call.Caller)
	if !ok {
		return 0, notFound(r)
	}
	if err := h.binaries.Delete(r.Context(), place.UserID, place.ID); err != nil {
		return 0, missing(r, err)
	}
	return 1, rest.WriteOutcome(w, call, http.StatusOK, fhir.Deleted(call.RequestID, h.now().Sub(begun)))
}

// missing says in FHIR's words what is not there.
func missing(r *http.Request, err error) error {
	kind := report.KindOf(err)
	if kind == report.NotFound {
		return notFound(r)
	}
	if kind == report.Deleted {
		return &rest.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
			Code: models.IssueTypeDeleted, Diagnostics: fmt.Sprintf("Resource Binary with id %.64s was deleted.", rest.PathValue(r, "id")),
		}}}
	}
	return err
}

// notFound is also what somebody else's is.
func notFound(r *http.Request) error {
	return &rest.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, MessageCode: "GENERAL_RESOURCE_NOT_FOUND",
		Diagnostics: fmt.Sprintf("Resource Binary with id %.64s is not found.", wanted(r)),
	}}}
}

// wanted is what the address asks for.
func wanted(r *http.Request) string {
	if version := rest.PathValue(r, "version"); version != "" {
		return fmt.Sprintf("%.32s and version %.16s", rest.PathValue(r, "id"), version)
	}
	return rest.PathValue(r, "id")
}
