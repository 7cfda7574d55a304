// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// canonicalBase is where the infrastructure's implementation guide publishes
// its definitions. It names them; nothing is fetched from there.
const canonicalBase = "http://ehealth.sundhed.dk/fhir"

// Operation describes a system-level operation. Routes, CapabilityStatement and
// OperationDefinition are all made from it, so that they cannot disagree.
type Operation struct {
	Name         string // as in $name
	Title        string
	Description  string // markdown
	AffectsState bool   // false: may be called by GET (FHIR operations.html, section 3.2.0.2)
	Parameters   []OperationParameter
}

// OperationParameter describes one input or output of an operation.
type OperationParameter struct {
	Name          string
	Out           bool   // an output; otherwise an input
	Min           int    // 0: optional
	Max           string // "1" or "*"
	Type          string // FHIR type
	Documentation string
}

// ID is the id of the OperationDefinition: "-s-" stands for system level.
func (o Operation) ID() string { return "-s-" + o.Name }

// URL is the canonical URL of the OperationDefinition.
func (o Operation) URL() string { return canonicalBase + "/OperationDefinition/" + o.ID() }

// Definition builds the OperationDefinition.
func (o Operation) Definition() models.OperationDefinition {
	definition := models.OperationDefinition{
		Id:           new(o.ID()),
		Url:          new(o.URL()),
		Name:         o.Name,
		Title:        new(o.Title),
		Status:       models.PublicationStatusActive,
		Kind:         models.OperationKindOperation,
		Description:  new(o.Description),
		AffectsState: new(o.AffectsState),
		Code:         o.Name,
		System:       true,
		Type:         false,
		Instance:     false,
	}
	for _, p := range o.Parameters {
		definition.Parameter = append(definition.Parameter, p.definition())
	}
	return definition
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
