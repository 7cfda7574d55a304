// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
)

const inJSON = `{"resourceType":"Parameters","id":"x","parameter":[{"name":"status","valueCode":"DONE"},{"name":"status","valueString":"FAILED"},` +
	`{"name":"period","valuePeriod":{"start":"2026"}},{"name":"patient","resource":{"resourceType":"Patient"}},` +
	`{"name":"both","part":[{"name":"a","valueInteger":1}]},{"name":"none","modifierExtension":[{"url":"http://x.example"}]}]}`

const inXML = `<Parameters xmlns="http://hl7.org/fhir"><id value="x"/><parameter><name value="status"/><valueCode value="DONE"/></parameter>` +
	`<parameter><name value="status"/><valueString value="FAILED"/></parameter>` +
	`<parameter><name value="period"/><valuePeriod><start value="2026"/></valuePeriod></parameter>` +
	`<parameter><name value="patient"/><resource><Patient/></resource></parameter>` +
	`<parameter><name value="both"/><part><name value="a"/><valueInteger value="1"/></part></parameter>` +
	`<parameter><modifierExtension url="http://x.example"/><name value="none"/></parameter></Parameters>`

// Both formats are read as the same inputs.
func TestReadParameters(t *testing.T) {
	t.Parallel()
	type row struct {
		name, member, text, expression string
		modified                       bool
	}
	want := []row{
		{"status", "valueCode", "DONE", "Parameters.parameter[0]", false},
		{"status", "valueString", "FAILED", "Parameters.parameter[1]", false},
		{"period", "valuePeriod", "", "Parameters.parameter[2]", false},
		{"patient", "resource", "", "Parameters.parameter[3]", false},
		{"both", "part", "", "Parameters.parameter[4]", false},
		{"none", "", "", "Parameters.parameter[5]", true},
	}
	for format, text := range map[fhir.Format]string{fhir.JSON: inJSON, fhir.XML: inXML} {
		inputs, issues := fhir.ReadParameters([]byte(text), format)
		if len(issues) > 0 {
			t.Fatalf("%s: %v", format, issues)
		}
		var got []row
		for _, in := range inputs {
			got = append(got, row{in.Name, in.Member, in.Value.Text, in.Expression, in.Modified})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", format, diff)
		}
	}
}

func TestCheckInputs(t *testing.T) {
	t.Parallel()
	text := fhirjson.Value{Kind: fhirjson.String, Text: "x"}
	inBody := func(member string) fhir.Input {
		return fhir.Input{Name: "n", Member: member, Value: text, Expression: "Parameters.parameter[3]"}
	}
	inAddress := fhir.Input{Name: "n", Value: text}
	modified := inBody("valueCode")
	modified.Modified = true
	for _, tt := range []struct {
		fhirType, limit string
		given           []fhir.Input
		want            []models.IssueType
	}{
		{"code", "*", nil, nil},
		{"code", "*", []fhir.Input{inAddress, inBody("valueCode"), inBody("valueString")}, nil},
		{"code", "1", []fhir.Input{inAddress, inBody("valueCode"), inBody("valueCode")}, []models.IssueType{models.IssueTypeInvalid, models.IssueTypeInvalid}},
		{"code", "1", []fhir.Input{inBody("valueBoolean")}, []models.IssueType{models.IssueTypeInvalid}},
		{"code", "1", []fhir.Input{inBody("part")}, []models.IssueType{models.IssueTypeInvalid}},
		{"code", "1", []fhir.Input{inBody("")}, []models.IssueType{models.IssueTypeRequired}},
		{"code", "1", []fhir.Input{modified}, []models.IssueType{models.IssueTypeExtension}},
		{"dateTime", "1", []fhir.Input{inBody("valueInstant")}, nil},
		{"dateTime", "1", []fhir.Input{inBody("valueCode")}, []models.IssueType{models.IssueTypeInvalid}},
		{"positiveInt", "1", []fhir.Input{inBody("valueInteger")}, nil},
		{"positiveInt", "1", []fhir.Input{inBody("valueString")}, nil},
		{"positiveInt", "1", []fhir.Input{inBody("valueDecimal")}, []models.IssueType{models.IssueTypeInvalid}},
	} {
		var got []models.IssueType
		var issues fhir.Issues
		fhir.OperationParameter{Name: "n", Type: tt.fhirType, Max: tt.limit}.Check(tt.given, &issues)
		for _, issue := range issues {
			got = append(got, issue.Code)
			if inBody := strings.HasPrefix(issue.Expression, "Parameters.parameter[3]"); !inBody || !strings.HasPrefix(issue.Diagnostics, `Input "n": `) {
				t.Errorf("%s: %+v", tt.fhirType, issue)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s of %v (-want +got)\n%s", tt.fhirType, tt.given, diff)
		}
	}
}

// FuzzReadParameters compares the inputs that are read with what samply's types
// read, and looks for issues without words.
func FuzzReadParameters(f *testing.F) {
	f.Add([]byte(inJSON))
	f.Add([]byte(`{"resourceType":"Parameters","_language":{"extension":[{"url":"http://x.example","valueDecimal":1.10}]},"parameter":[]}`))
	f.Add([]byte(`{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b"},{"valueCode":"c"}]},{"name":"\ud83d\ude00","valueInteger":-0}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","type":"batch"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		inputs, issues := fhir.ReadParameters(text, fhir.JSON)
		if len(issues) > fhirjson.MostFaults {
			t.Errorf("%d issues", len(issues))
		}
		for _, issue := range issues {
			if issue.Diagnostics == "" {
				t.Error("an issue without words")
			}
		}
		if len(issues) > 0 {
			return
		}
		for _, in := range inputs {
			if in.Name == "" || !strings.HasPrefix(in.Expression, "Parameters.parameter[") {
				t.Errorf("%+v", in)
			}
		}
		theirs, err := models.UnmarshalParameters(text)
		if err != nil {
			return // samply knows the codes of its enums and the size of int, which are not looked at here
		}
		if len(theirs.Parameter) != len(inputs) {
			t.Fatalf("%d inputs, samply has %d", len(inputs), len(theirs.Parameter))
		}
		for i, in := range inputs {
			if theirs.Parameter[i].Name != in.Name {
				t.Errorf("name %q, samply has %q", in.Name, theirs.Parameter[i].Name)
			}
		}
	})
}
