// SPDX-License-Identifier: Apache-2.0

// Package orders is how users order reports: the operations $fetch-, $execute- and
// $schedule- of each report in the catalog, and the async status URL. It knows no SQL and no
// queue. internal/app adds it to the API.
package orders

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
)

// Options configure the operations.
type Options struct {
	Reports  []catalog.Report
	Orders   report.Orders
	Binaries report.Binaries
	Night    report.DailyTime // when scheduled reports are due
	Base     string           // public base URL
	Fetching Fetching
	Now      func() time.Time
}

// Fetching limits reports that are made while the caller waits.
type Fetching struct {
	AtOnce  int           // reports at a time
	Timeout time.Duration // of one report
}

type handler struct {
	Options
	fetching chan struct{} // holds one item for each report in progress
}

func newHandler(o Options) *handler {
	return &handler{Options: o, fetching: make(chan struct{}, o.Fetching.AtOnce)}
}

// Operations returns the operations and the routes of all reports.
func Operations(o Options) ([]httpapi.Operation, []httpapi.Route) {
	h := newHandler(o)
	var list []httpapi.Operation
	for i := range o.Reports {
		for _, mode := range catalog.Modes() {
			list = append(list, h.operation(&o.Reports[i], mode))
		}
	}
	return list, []httpapi.Route{h.async()}
}

func (h *handler) operation(kind *catalog.Report, mode catalog.Mode) httpapi.Operation {
	name := string(mode) + "-" + kind.Name
	parameters := append(kind.Inputs(), fhir.OperationParameter{
		Name: "return", Out: true, Min: 0, Max: "1", Type: "Binary", Documentation: returns[mode],
	})
	serve := map[catalog.Mode]func(*catalog.Report, http.ResponseWriter, *httpapi.Request) (int, error){
		catalog.Fetch: h.fetch, catalog.Execute: h.execute, catalog.Schedule: h.schedule,
	}[mode]
	return httpapi.Operation{
		Operation: fhir.Operation{
			Name: name, Title: kind.Titles[mode], AffectsState: true, Parameters: parameters,
			Description: strings.Join([]string{introductions[mode], kind.Description, fmt.Sprintf("It takes the role %s.", kind.Guard())}, "\n"),
		},
		Unlisted: !kind.Allows(mode),
		Endpoint: httpapi.Endpoint{
			Event: telemetry.AuditOrder,
			Authorize: func(caller auth.Principal) error {
				if !caller.HasRole(kind.Guard()) {
					return httpapi.Forbidden("$"+name, caller.UserType, kind.Guard())
				}
				return nil
			},
			Serve: func(w http.ResponseWriter, r *httpapi.Request) (int, error) {
				if err := check(kind, mode, r); err != nil {
					return 0, err
				}
				return serve(kind, w, r)
			},
		},
	}
}

var introductions = map[catalog.Mode]string{
	catalog.Fetch:    "Makes a report and answers with it. Nothing is kept.",
	catalog.Execute:  "Has a report made as soon as there is a worker free. The answer is a placeholder; $get-report-job-status tells when the Binary holds the report.",
	catalog.Schedule: "Has a report made in the coming night. The answer is a placeholder; $get-report-job-status tells when the Binary holds the report.",
}

var returns = map[catalog.Mode]string{
	catalog.Fetch:    "The report, as a zip file.",
	catalog.Execute:  "The Binary that will hold the report, as a zip file. Until then it holds the text " + report.Placeholder + ".",
	catalog.Schedule: "The Binary that will hold the report, as a zip file. Until then it holds the text " + report.Placeholder + ".",
}

// notAllowed holds the published codes and texts for a mode that a report does not allow.
var notAllowed = map[catalog.Mode][2]string{
	catalog.Fetch:    {"REPORTING_SYNCHRONOUS_GENERATION_NOT_ALLOWED", "Synchronous generation of the report is not allowed"},
	catalog.Execute:  {"REPORTING_EXECUTE_NOT_ALLOWED", "Asynchronous generation of the report is not allowed"},
	catalog.Schedule: {"REPORTING_SCHEDULE_NOT_ALLOWED", "Scheduled generation of the report is not allowed"},
}

// check returns the error of a well-formed request that breaks a rule of the report.
func check(kind *catalog.Report, mode catalog.Mode, r *httpapi.Request) error {
	if !kind.Allows(mode) {
		return unprocessable(issue(models.IssueTypeBusinessRule, notAllowed[mode][0], notAllowed[mode][1]))
	}
	given := map[string]bool{}
	for _, input := range r.Inputs {
		given[input.Name] = true
	}
	var issues fhir.Issues
	for _, p := range kind.Inputs() {
		if p.Min > 0 && !given[p.Name] {
			issues.Add(issue(models.IssueTypeRequired, "REPORTING_MISSING_INPUT_PARAMETER",
				fmt.Sprintf("Parameter %q is mandatory for report %q.", p.Name, kind.ReportName)))
		}
	}
	for _, pair := range kind.Exclusive {
		if given[pair[0]] && given[pair[1]] {
			issues.Add(issue(models.IssueTypeBusinessRule, "REPORTING_MUTUALLY_EXCLUSIVE_INPUT_PARAMETER",
				fmt.Sprintf("Parameters %q and %q are mutually exclusive for report %q.", pair[0], pair[1], kind.ReportName)))
		}
	}
	if len(issues) > 0 {
		return unprocessable(issues...)
	}
	return checkAnonymization(r)
}

func checkAnonymization(r *httpapi.Request) error {
	for _, input := range r.Inputs {
		if input.Name != catalog.Anonymization {
			continue
		}
		anonymous, ok := catalog.ReadAnonymization(input.Value.Text)
		switch {
		case !ok:
			return httpapi.Invalid(fhir.Issues{input.Fault(models.IssueTypeCodeInvalid, fmt.Sprintf("Expected None or ANONYMIZED; got %.64q.", input.Value.Text))})
		case !anonymous && !r.Caller.HasRole(catalog.NonAnonymizedRole):
			return httpapi.Forbidden("a report that is not anonymized", r.Caller.UserType, catalog.NonAnonymizedRole)
		}
	}
	return nil
}

func issue(code models.IssueType, message, diagnostics string) fhir.Issue {
	return fhir.Issue{Code: code, MessageCode: message, Diagnostics: diagnostics}
}

func unprocessable(issues ...fhir.Issue) *httpapi.Problem {
	return &httpapi.Problem{Status: http.StatusUnprocessableEntity, Issues: issues}
}
