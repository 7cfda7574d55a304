// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// validationError is the published code of the infrastructure for readable but invalid input.
const validationError = "GENERAL_VALIDATION_ERROR"

// Input is one input of an operation.
type Input struct {
	Name string
	// Member is the member of the parameter with its value, such as valueCode, resource or part.
	// It is empty for a parameter without a value.
	Member string
	Value  fhirjson.Value
	// Expression is the FHIRPath of the parameter. It is empty for an input from the query
	// string.
	Expression string
	// Modified reports a modifierExtension, which may reverse the meaning.
	Modified bool
}

// Fault returns an issue with the value of the input.
func (in Input) Fault(code models.IssueType, text string) Issue {
	issue := in.fault(code, text)
	if in.Expression != "" && (in.Member == "" || strings.HasPrefix(in.Member, "value")) {
		issue.Expression += ".value"
	}
	return issue
}

// fault returns an issue with the input as a whole.
func (in Input) fault(code models.IssueType, text string) Issue {
	return Issue{
		Code: code, MessageCode: validationError, Expression: in.Expression,
		Diagnostics: fmt.Sprintf("Input %.64q: %s", in.Name, text),
	}
}

// NoParameters returns a Parameters resource without parameters.
func NoParameters() []byte { return []byte(noParameters) }

// noParameters is the body of nearly all requests.
const noParameters = `{"resourceType":"Parameters"}`

// ReadParameters parses a Parameters resource strictly and returns its inputs (FHIR R4
// parameters.html). For an invalid resource it returns issues and no inputs: one issue for each
// fault, up to fhirjson.MostFaults, and only the first for invalid XML.
func ReadParameters(text []byte, format Format) ([]Input, []Issue) {
	if format == JSON && string(text) == noParameters {
		return nil, nil
	}
	read := readJSON
	if format == XML {
		read = readXML
	}
	resource, issues := read(text)
	if len(issues) > 0 {
		return nil, issues
	}
	var faults Issues
	inputs := readParameters(resource, parametersType, "parameter", &faults)
	if len(faults) > 0 {
		return nil, faults
	}
	return inputs, nil
}

// KeepParameters returns the JSON text of a Parameters resource for storage: JSON unchanged, XML
// converted. ReadParameters must have accepted it. A character that cannot be stored is an
// issue.
func KeepParameters(text []byte, format Format) ([]byte, []Issue) {
	read := fhirjson.Parse
	if format == XML {
		read = func(text []byte) (fhirjson.Value, error) { return fhirxml.ParseAs(text, parametersType) }
	}
	if format == JSON && !bytes.Contains(text, []byte(`\u0000`)) {
		return text, nil
	}
	resource, err := read(text)
	if err != nil || holdsNUL(resource) {
		return nil, []Issue{{
			Code: models.IssueTypeValue, MessageCode: validationError,
			Diagnostics: "A text in the resource holds the character U+0000, which FHIR does not allow.",
		}}
	}
	if format == JSON {
		return text, nil
	}
	return resource.AppendJSON(nil), nil
}

// holdsNUL reports whether a text in v contains U+0000, which Postgres cannot store.
func holdsNUL(v fhirjson.Value) bool {
	return v.Kind == fhirjson.String && strings.ContainsRune(v.Text, 0) ||
		slices.ContainsFunc(v.Items, holdsNUL) ||
		slices.ContainsFunc(v.Members, func(m fhirjson.Member) bool { return strings.ContainsRune(m.Name, 0) || holdsNUL(m.Value) })
}

func readJSON(text []byte) (fhirjson.Value, []Issue) {
	resource, err := fhirjson.ParseBody(text)
	if fault, ok := errors.AsType[*fhirjson.Fault](err); ok {
		return resource, []Issue{structural(*fault)}
	}
	if kind, ok := resource.Get("resourceType"); ok && kind.Kind == fhirjson.String && kind.Text != parametersType {
		return resource, []Issue{notParameters(kind.Text)}
	}
	var issues []Issue
	for _, fault := range fhirjson.Check(resource) {
		issue := structural(fault)
		issue.MessageCode = validationError
		issues = append(issues, issue)
	}
	return resource, issues
}

// readXML needs no further check, because fhirxml.Parse checks everything.
func readXML(text []byte) (fhirjson.Value, []Issue) {
	resource, err := fhirxml.ParseAs(text, parametersType)
	if other, ok := errors.AsType[*fhirxml.WrongRoot](err); ok {
		return resource, []Issue{notParameters(other.Name)}
	}
	if fault, ok := errors.AsType[*fhirjson.Fault](err); ok {
		return resource, []Issue{structural(*fault)}
	}
	return resource, nil
}

const parametersType = "Parameters"

func notParameters(name string) Issue {
	return Issue{
		Code: models.IssueTypeInvalid, MessageCode: validationError,
		Diagnostics: fmt.Sprintf("Expected a Parameters resource, got %.64q.", name),
	}
}

// structural returns the issue of a fault. Text that cannot be parsed has no published code.
func structural(fault fhirjson.Fault) Issue {
	issue := Issue{Code: models.IssueTypeStructure, Diagnostics: fault.Error(), Expression: fault.Expression}
	if fault.Expression != "" {
		issue.MessageCode = validationError
	}
	return issue
}

// readParameters reads the parameters of a resource or of a part until issues is full.
func readParameters(parent fhirjson.Value, path, list string, issues *Issues) []Input {
	var inputs []Input
	parameters, _ := parent.Get(list)
	for i, parameter := range parameters.Items {
		if issues.Full() {
			break
		}
		inputs = append(inputs, readParameter(parameter, fmt.Sprintf("%s.%s[%d]", path, list, i), issues))
	}
	return inputs
}

func readParameter(parameter fhirjson.Value, path string, issues *Issues) Input {
	input := Input{Expression: path}
	var contents []string
	for _, member := range parameter.Members {
		if member.Value.Kind == fhirjson.Array && len(member.Value.Items) == 0 {
			continue // some clients send null for no parameters
		}
		switch name := member.Name; {
		case name == "name":
			input.Name = member.Value.Text
		case name == "modifierExtension":
			input.Modified = true
		case name == "resource", name == "part", strings.HasPrefix(name, "value"):
			contents = append(contents, name)
			input.Member, input.Value = name, member.Value
		}
	}
	if input.Name == "" {
		issues.Add(Issue{
			Code: models.IssueTypeRequired, MessageCode: validationError,
			Diagnostics: "The parameter has no name.", Expression: path + ".name",
		})
	}
	if len(contents) > 1 { // FHIR invariant inv-1
		issues.Add(Issue{
			Code: models.IssueTypeStructure, MessageCode: validationError, Expression: path,
			Diagnostics: "The parameter has more than one of value, resource and part: " + strings.Join(contents, ", ") + ".",
		})
	}
	readParameters(parameter, path, "part", issues)
	return input
}
