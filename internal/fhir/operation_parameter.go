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
	Type          string // FHIR type; of an input one that members knows
	Documentation string
}

// members lists how a value of a type may be written in a Parameters resource:
// clients do not always have the very type at hand that a definition names, and
// some write as a string whatever they would put into an address.
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

// Check adds an issue for each input given under the parameter's name that does
// not fit its description.
func (p OperationParameter) Check(given []Input, issues *Issues) {
	for i, input := range given {
		switch {
		case issues.Full():
			return
		case i > 0 && p.Max == "1":
			issues.Add(input.fault(models.IssueTypeInvalid, "It may be given only once."))
		case input.Modified:
			issues.Add(input.fault(models.IssueTypeExtension, "It has a modifierExtension, and none is understood."))
		case input.Expression == "": // in the address, where everything is text
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
