// SPDX-License-Identifier: Apache-2.0

package jobstatus

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/report"
)

// The names of the inputs.
const (
	inputStatus  = "status"
	inputSince   = "since"
	inputCount   = "_count"
	inputOutcome = "outcome"
)

func parameters() []fhir.OperationParameter {
	return []fhir.OperationParameter{
		{
			Name: inputStatus, Min: 0, Max: "*", Type: "code",
			Documentation: "Only jobs in this state: " + words() + ". Given several times, jobs in any of these states.",
		}, {
			Name: inputSince, Min: 0, Max: "1", Type: "dateTime",
			Documentation: "Only jobs created at this time or later. An instant or a date is taken as well; a date means its beginning in UTC.",
		}, {
			Name: inputCount, Min: 0, Max: "1", Type: "positiveInt",
			Documentation: "At most this many jobs, the newest.",
		}, {
			Name: inputOutcome, Min: 0, Max: "1", Type: "boolean",
			Documentation: "Whether failed jobs tell why they failed.",
		}, {
			Name: "return", Out: true, Min: 0, Max: "1", Type: "Bundle",
			Documentation: "The caller's report jobs, newest first.",
		},
	}
}

func words() string {
	var list []string
	for _, status := range report.Statuses() {
		list = append(list, string(status))
	}
	return strings.Join(list, ", ")
}

// query is a parsed request.
type query struct {
	report.Filter
	outcomes bool
}

// filter parses the inputs. The error has an issue for each invalid input.
func filter(r *httpapi.Request) (query, error) {
	f := query{Filter: report.Filter{UserID: r.Caller.UserID}}
	var issues fhir.Issues
	for _, input := range r.Inputs {
		if issues.Full() {
			break
		}
		text := input.Value.Text
		switch input.Name {
		case inputStatus:
			status := report.Status(text)
			switch {
			case !status.Valid():
				issues.Add(input.Fault(models.IssueTypeCodeInvalid, fmt.Sprintf("Expected one of %s; got %.64q.", words(), text)))
			case !slices.Contains(f.Statuses, status): // however often it is given
				f.Statuses = append(f.Statuses, status)
			}
		case inputSince:
			since, err := fhir.ParseDateTime(text)
			if err != nil {
				issues.Add(input.Fault(models.IssueTypeInvalid,
					fmt.Sprintf("Expected a dateTime such as 2026-03-01T12:00:00+01:00 or 2026-03-01; got %.64q.", text)))
			}
			f.Since = since
		case inputCount:
			count, err := strconv.ParseInt(text, 10, 32)
			if err != nil || count < 1 {
				issues.Add(input.Fault(models.IssueTypeInvalid,
					fmt.Sprintf("Expected a whole number from 1 to %d; got %.64q.", math.MaxInt32, text)))
			}
			f.Count = int(count)
		case inputOutcome:
			wanted, known := map[string]bool{"true": true, "false": false}[text]
			if !known {
				issues.Add(input.Fault(models.IssueTypeInvalid, fmt.Sprintf("Expected true or false; got %.64q.", text)))
			}
			f.outcomes = wanted
		}
	}
	if len(issues) > 0 {
		return query{}, httpapi.Invalid(issues)
	}
	return f, nil
}
