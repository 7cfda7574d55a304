// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
)

func TestW70_OtherMethodsAre405(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post"} {
		a := shared(t).do(t, request{method: method, path: operation}) // no token: the method comes first
		if got := a.header.Get("Allow"); got != "GET, HEAD, POST, OPTIONS" {
			t.Errorf("%s: got Allow %q", method, got)
		}
		a.isOutcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
	}
	a := shared(t).do(t, request{method: "OPTIONS", path: operation})
	if a.status != http.StatusNoContent || a.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("OPTIONS: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}

func TestW71_EquivalentPathsAreServedWithoutRedirect(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/%24get-report-job-status", "/$get-report-job-status/", "//$get-report-job-status", "///%24get-report-job-status//",
		"/%24get%2Dreport-job-status",
	} {
		for _, method := range []string{"POST", "GET"} {
			a := shared(t).do(t, request{method: method, path: path, user: newUser()})
			if a.status != http.StatusOK || string(a.body) != emptyList {
				t.Errorf("%s %s: got status %d, %s", method, path, a.status, a.body)
			}
		}
	}
	if a := shared(t).do(t, request{method: "GET", path: "/metadata/"}); a.status != http.StatusOK {
		t.Errorf("/metadata/: got status %d", a.status)
	}
}

func TestW72_OtherSpellingsAre404(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/$Get-Report-Job-Status", "/$get-report-job-statuses", "/get-report-job-status", "/Patient/$get-report-job-status",
		"/$get-report-job-status/x", "/$get-report-job-status;v=1", "/Metadata",
	} {
		shared(t).do(t, request{method: "POST", path: path, user: "u"}).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	}
}

func TestW73_UnknownAndMalformedPathsAreRejected(t *testing.T) {
	t.Parallel()
	server := shared(t)
	server.base = strings.TrimSuffix(server.base, "/fhir")
	for _, path := range []string{"", "/", "/favicon.ico", "/fhir", "/fhir/", "/fhir/Patient", "/fhir/../fhir/metadata", "/metrics", "/fhirx/metadata"} {
		for _, method := range []string{"GET", "POST", "PROPFIND"} {
			server.do(t, request{method: method, path: path}).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
		}
	}
	for _, path := range []string{
		"/fhir/%2e%2e%2fetc%2fpasswd", "/fhir%2fmetadata", "/fhir/..%5c..%5cx", "/fhir/..%5C..%5Cx", "/fhir/metadata%00", "/fhir/%0d%0aSet-Cookie:x",
	} {
		server.do(t, request{method: "GET", path: path}).isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	}
	server.do(t, request{method: "GET", path: "/fhir/" + strings.Repeat("x", 16<<10)}).
		isOutcome(t, http.StatusRequestURITooLong, models.IssueTypeTooLong)
}

func TestW74_RoutesFollowTheBasePath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/reports/r4", ""} {
		server := own(t, func(c *config.Config) { c.BaseURL = &url.URL{Scheme: "https", Host: "x.example", Path: path} })
		if a := server.do(t, status(newUser())); a.status != http.StatusOK {
			t.Errorf("base path %q: got status %d, %s", path, a.status, a.body)
		}
		root := target{base: strings.TrimSuffix(server.base, path)}
		for _, elsewhere := range []string{"/fhir/metadata", "/livez", "/readyz", "/metrics"} {
			root.do(t, request{method: "GET", path: elsewhere}).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
		}
		ops := target{base: server.ops, ops: server.ops}
		for _, probe := range []string{"/livez", "/readyz", "/metrics"} {
			if a := ops.do(t, request{method: "GET", path: probe}); a.status != http.StatusOK {
				t.Errorf("%s on the operations listener: got status %d", probe, a.status)
			}
		}
		if a := ops.do(t, request{method: "GET", path: path + "/metadata"}); a.status != http.StatusNotFound {
			t.Errorf("the API is on the operations listener: got status %d", a.status)
		}
	}
}
