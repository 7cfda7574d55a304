// SPDX-License-Identifier: Apache-2.0

package jobstatus

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/httpapi"
	"reporting/internal/report"
)

func given(name, value string, times int) []fhir.Input {
	var inputs []fhir.Input
	for range times {
		inputs = append(inputs, fhir.Input{Name: name, Value: fhirjson.Value{Kind: fhirjson.String, Text: value}})
	}
	return inputs
}

// The database compares each row with each status of the filter.
func TestFilterKeepsEachStatusOnce(t *testing.T) {
	t.Parallel()
	inputs := append(given(inputStatus, "DONE", 1000), given(inputStatus, "FAILED", 1000)...)
	got, err := filter(&httpapi.Request{Caller: auth.Principal{UserID: "u"}, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.Filter{UserID: "u", Statuses: []report.Status{report.Done, report.Failed}}, got.Filter); diff != "" {
		t.Error(diff)
	}
}

func TestFilterReportsALimitedNumberOfFaults(t *testing.T) {
	t.Parallel()
	_, err := filter(&httpapi.Request{Inputs: given(inputStatus, "NOPE", 1000)})
	problem, ok := errors.AsType[*httpapi.Problem](err)
	if !ok || len(problem.Issues) != fhirjson.MostFaults {
		t.Errorf("%v", err)
	}
}
