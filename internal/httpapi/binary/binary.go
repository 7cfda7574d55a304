// SPDX-License-Identifier: Apache-2.0

// Package binary is the endpoint Binary: callers read and delete the results of their
// reports. It also encodes Binaries for package orders. It knows no SQL. internal/app adds
// its routes to the API.
package binary

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// pathOf is the path of a Binary. An id does not begin like the name of an operation.
const pathOf = "/Binary/{id:[^$/][^/]*}"

type handler struct {
	binaries report.Binaries
	base     string
	now      func() time.Time
}

// Routes returns the routes of Binary. base is the public base URL.
func Routes(binaries report.Binaries, base string, now func() time.Time) []httpapi.Route {
	h := handler{binaries: binaries, base: base, now: now}
	read := func(label string) httpapi.Endpoint {
		return httpapi.Endpoint{Label: label, Authorize: Authorize, AnyAccept: true, Serve: h.read}
	}
	return []httpapi.Route{
		{Path: pathOf, Methods: map[string]httpapi.Endpoint{
			http.MethodGet:  read("Binary-read"),
			http.MethodHead: read("Binary-read"),
			http.MethodDelete: {
				Label: "Binary-delete", Event: telemetry.AuditDelete, Authorize: Authorize, Serve: h.delete,
			},
		}},
		{Path: pathOf + "/_history/{version}", Methods: map[string]httpapi.Endpoint{
			http.MethodGet:  read("Binary-vread"),
			http.MethodHead: read("Binary-vread"),
		}},
	}
}

// keyOf reads the key from the path. ok is false if an id or a version is no positive number.
func keyOf(r *httpapi.Request) (key report.BinaryKey, ok bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	key = report.BinaryKey{UserID: r.Caller.UserID, ID: id}
	if version := r.PathValue("version"); version != "" && err == nil {
		key.Version, err = strconv.Atoi(version)
		return key, err == nil && id > 0 && key.Version > 0
	}
	return key, err == nil && id > 0
}

func (h handler) read(w http.ResponseWriter, r *httpapi.Request) (disclosed int, err error) {
	key, ok := keyOf(r)
	if !ok {
		return 0, notFound(r)
	}
	binary, err := h.binaries.Binary(r.Context(), key)
	if err != nil {
		return 0, missing(r, err)
	}
	return 1, Serve(w, r, h.base, Stored{Binary: binary, Data: report.NewBinaryReader(r.Context(), h.binaries, binary)})
}

func (h handler) delete(w http.ResponseWriter, r *httpapi.Request) (disclosed int, err error) {
	begun := h.now()
	key, ok := keyOf(r)
	if !ok {
		return 0, notFound(r)
	}
	if err := h.binaries.Delete(r.Context(), key.UserID, key.ID); err != nil {
		return 0, missing(r, err)
	}
	return 1, httpapi.WriteOutcome(w, r, http.StatusOK, fhir.Deleted(r.ID, h.now().Sub(begun)))
}

// missing is the problem of a Binary that was deleted or never existed.
func missing(r *httpapi.Request, err error) error {
	kind := report.KindOf(err)
	if kind == report.NotFound {
		return notFound(r)
	}
	if kind == report.Deleted {
		return &httpapi.Problem{Status: http.StatusGone, Issues: []fhir.Issue{{
			Code: models.IssueTypeDeleted, Diagnostics: fmt.Sprintf("Resource Binary with id %.64s was deleted.", r.PathValue("id")),
		}}}
	}
	return err
}

// notFound is also the response for a Binary of another user.
func notFound(r *httpapi.Request) error {
	return &httpapi.Problem{Status: http.StatusNotFound, Issues: []fhir.Issue{{
		Code: models.IssueTypeNotFound, MessageCode: "GENERAL_RESOURCE_NOT_FOUND",
		Diagnostics: fmt.Sprintf("Resource Binary with id %.64s is not found.", wanted(r)),
	}}}
}

// wanted is the id, and the version if any, that the path names.
func wanted(r *httpapi.Request) string {
	if version := r.PathValue("version"); version != "" {
		return fmt.Sprintf("%.32s and version %.16s", r.PathValue("id"), version)
	}
	return r.PathValue("id")
}
