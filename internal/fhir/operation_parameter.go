// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"slices"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// OperationParameter describes one input or output of an operation.
type OperationParameter struct {
	Name          string
	Out           bool   // an output; otherwise an input
	Min           int    // 0: optional
	Max           string // "1" or "*"
	Type          string // FHIR type; for an input one that members supports
	Documentation string
}

// members lists the value members that a parameter of a type accepts. Clients do not always use
// the declared type, and some use strings for everything.
func members(fhirType string) []string {
	switch fhirType {
	case "code":
		return []string{"valueCode", "valueString"}
	case "dateTime":
		return []string{"valueDateTime", "valueInstant", "valueDate", "valueString"}
	case "positiveInt":
		return []string{"valuePositiveInt", "valueInteger", "valueUnsignedInt", "valueString"}
	case "boolean":
		return []string{"valueBoolean", "valueString"}
	case "integer":
		return []string{"valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueString"}
	case "string":
		return []string{"valueString", "valueCode"}
	}
	return nil
}

// Check adds an issue for each given input of this name that does not match the description.
func (p OperationParameter) Check(given []Input, issues *Issues) {
	for i, input := range given {
		switch {
		case issues.Full():
			return
		case i > 0 && p.Max == "1":
			issues.Add(input.fault(models.IssueTypeInvalid, "It may be given only once."))
		case input.Modified:
			issues.Add(input.fault(models.IssueTypeExtension, "It has a modifierExtension, and none is understood."))
		case input.Expression == "": // from the query string, where every value is text
		case input.Member == "":
			issues.Add(input.Fault(models.IssueTypeRequired, "It has no value."))
		case !slices.Contains(members(p.Type), input.Member):
			issues.Add(input.Fault(models.IssueTypeInvalid,
				"Expected a "+p.Type+" ("+members(p.Type)[0]+"), got "+input.Member+"."))
		}
	}
}

func (p OperationParameter) definition() models.OperationDefinitionParameter {
	definition := models.OperationDefinitionParameter{
		Name: p.Name,
		Use:  models.OperationParameterUseIn,
		Min:  p.Min,
		Max:  p.Max,
		Type: new(p.Type),
	}
	if p.Out {
		definition.Use = models.OperationParameterUseOut
	}
	if p.Documentation != "" {
		definition.Documentation = new(p.Documentation)
	}
	return definition
}
