// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"fmt"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirjson"
)

// validationError is the infrastructure's published code for input that is
// readable and wrong.
const validationError = "GENERAL_VALIDATION_ERROR"

// Input is one input of an operation's call.
type Input struct {
	Name string
	// Member is the member of the parameter that holds the value: valueCode and
	// its like, resource or part. It is empty where there is none.
	Member string
	Value  fhirjson.Value
	// Expression is the FHIRPath of the parameter, or empty when it came in the
	// address, where everything is text.
	Expression string
	// Modified tells of a modifierExtension, which may turn the meaning round.
	Modified bool
}

// Fault is an issue with the input, to be told to the client.
func (in Input) Fault(code models.IssueType, text string) Issue {
	issue := Issue{Code: code, Diagnostics: fmt.Sprintf("Input %.64q: %s", in.Name, text), MessageCode: validationError}
	if in.Expression != "" {
		issue.Expression = in.Expression + ".value"
	}
	return issue
}

// ReadParameters takes a Parameters resource apart into its inputs (FHIR R4
// parameters.html). Where it is not one, or not a sound one, it returns an issue
// for each fault and no inputs.
func ReadParameters(resource fhirjson.Value) ([]Input, []Issue) {
	kind, ok := resource.Get("resourceType")
	if ok && kind.Kind == fhirjson.String && kind.Text != "Parameters" {
		return nil, []Issue{{
			Code: models.IssueTypeInvalid, MessageCode: validationError,
			Diagnostics: fmt.Sprintf("Expected a Parameters resource, got %.64q.", kind.Text),
		}}
	}
	var issues []Issue
	for _, fault := range fhirjson.Check(resource) {
		issues = append(issues, Issue{
			Code: models.IssueTypeStructure, MessageCode: validationError,
			Diagnostics: fault.Error(), Expression: fault.Expression,
		})
	}
	if len(issues) > 0 {
		return nil, issues
	}
	return readParameters(resource, "Parameters", "parameter")
}

// readParameters reads the list of a resource or of a part.
func readParameters(parent fhirjson.Value, path, list string) ([]Input, []Issue) {
	var inputs []Input
	var issues []Issue
	parameters, _ := parent.Get(list)
	for i, parameter := range parameters.Items {
		input, faults := readParameter(parameter, fmt.Sprintf("%s.%s[%d]", path, list, i))
		inputs, issues = append(inputs, input), append(issues, faults...)
	}
	if len(issues) > 0 {
		return nil, issues
	}
	return inputs, nil
}

func readParameter(parameter fhirjson.Value, path string) (Input, []Issue) {
	input := Input{Expression: path}
	var contents []string
	for _, member := range parameter.Members {
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
	var issues []Issue
	if input.Name == "" {
		issues = append(issues, Issue{
			Code: models.IssueTypeRequired, MessageCode: validationError,
			Diagnostics: "The parameter has no name.", Expression: path + ".name",
		})
	}
	if len(contents) > 1 { // invariant inv-1
		issues = append(issues, Issue{
			Code: models.IssueTypeStructure, MessageCode: validationError, Expression: path,
			Diagnostics: "The parameter has more than one of value, resource and part: " + strings.Join(contents, ", ") + ".",
		})
	}
	_, faults := readParameters(parameter, path, "part")
	return input, append(issues, faults...)
}
