// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
)

func operation() fhir.Operation {
	return fhir.Operation{
		Name:       "get-report-job-status",
		Title:      "Get Report Job Status",
		Parameters: []fhir.OperationParameter{{Name: "return", Out: true, Max: "1", Type: "Bundle"}},
	}
}

func marshal(t *testing.T, resource json.Marshaler) string {
	t.Helper()
	text, err := fhir.Marshal(resource, fhir.Style{})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	text := marshal(t, fhir.Outcome("request-1",
		fhir.Issue{Code: models.IssueTypeInvalid, Diagnostics: `expected <Parameters> & got "x"`, MessageCode: "GENERAL_VALIDATION_ERROR", Expression: "Parameters.parameter[0].name"},
		fhir.Issue{Code: models.IssueTypeTransient, Diagnostics: "try again"},
	))
	outcome, err := models.UnmarshalOperationOutcome([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, `{"resourceType":"OperationOutcome","id":"request-1",`) {
		t.Errorf("begins otherwise: %s", text)
	}
	if len(outcome.Issue) != 2 {
		t.Fatalf("%d issues, want 2", len(outcome.Issue))
	}
	first := outcome.Issue[0]
	// samply's zero severity is "fatal": a forgotten field must not become one.
	if first.Severity != models.IssueSeverityError || first.Code != models.IssueTypeInvalid {
		t.Errorf("severity %s, code %s", first.Severity.Code(), first.Code.Code())
	}
	if *first.Details.Coding[0].Code != "GENERAL_VALIDATION_ERROR" || first.Expression[0] != "Parameters.parameter[0].name" {
		t.Errorf("details or expression lost: %s", text)
	}
	if outcome.Issue[1].Details != nil || outcome.Issue[1].Expression != nil {
		t.Errorf("empty details or expression: %s", text)
	}
	wellFormed(t, outcome.Text.Div)
}

func wellFormed(t *testing.T, div string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(div))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, div)
		}
	}
}

func TestOutcomeWithoutRequest(t *testing.T) {
	t.Parallel()
	// An empty id is not a FHIR id; the element must be left out.
	if text := marshal(t, fhir.Outcome("", fhir.Issue{Diagnostics: "x"})); strings.Contains(text, `"id"`) {
		t.Error(text)
	}
}

func TestDefinition(t *testing.T) {
	t.Parallel()
	definition := operation().Definition()
	if got, want := *definition.Url, "http://ehealth.sundhed.dk/fhir/OperationDefinition/-s-get-report-job-status"; got != want {
		t.Errorf("url %s, want %s", got, want)
	}
	text := marshal(t, definition)
	for _, want := range []string{
		`"id":"-s-get-report-job-status"`, `"code":"get-report-job-status"`, `"affectsState":false`,
		`"status":"active"`, `"kind":"operation"`, `"system":true`, `"type":false`, `"instance":false`,
		`"parameter":[{"name":"return","use":"out","min":0,"max":"1","type":"Bundle"}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestCapabilityStatement(t *testing.T) {
	t.Parallel()
	server := fhir.Server{Base: base, Version: "1.2.3", Released: time.Unix(0, 0), Operations: []fhir.Operation{operation()}}
	text := marshal(t, server.CapabilityStatement())
	for _, want := range []string{
		`{"resourceType":"CapabilityStatement",`, `"fhirVersion":"4.0.1"`, `"kind":"instance"`, `"date":"1970-01-01"`,
		`"mode":"server"`, `"status":"active"`,
		`"operation":[{"name":"get-report-job-status","definition":"http://ehealth.sundhed.dk/fhir/OperationDefinition/-s-get-report-job-status"}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestSearchset(t *testing.T) {
	t.Parallel()
	found, err := fhir.Searchset(base, base+"/OperationDefinition?code=x", []fhir.Operation{operation()})
	if err != nil {
		t.Fatal(err)
	}
	text := marshal(t, found)
	for _, want := range []string{
		`{"resourceType":"Bundle",`, `"type":"searchset"`, `"total":1`,
		`"fullUrl":"` + base + `/OperationDefinition/-s-get-report-job-status"`,
		`"resource":{"resourceType":"OperationDefinition",`, `"search":{"mode":"match"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	none, err := fhir.Searchset(base, base+"/OperationDefinition?code=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	// total 0 stays visible, and an empty entry array is not valid FHIR.
	if text := marshal(t, none); !strings.Contains(text, `"total":0`) || strings.Contains(text, "entry") {
		t.Error(text)
	}
}
