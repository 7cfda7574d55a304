// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// The implementation guide of the infrastructure has two base URLs for its definitions:
// formerBase in versions 3.0 to 3.5, canonicalBase since. They are names only; the service
// fetches nothing from there.
const (
	canonicalBase = "http://ehealth.sundhed.dk/fhir"
	formerBase    = "https://reporting.devtest.systematic-ehealth.com/fhir"
)

// Operation describes a system-level operation. Routes, CapabilityStatement and
// OperationDefinition are generated from it, so they cannot differ.
type Operation struct {
	Name         string // without the $
	Title        string
	Description  string // markdown
	AffectsState bool   // false: GET is allowed (FHIR operations.html, section 3.2.0.2)
	Parameters   []OperationParameter
}

// ID returns the id of the OperationDefinition: "-s-" means system level.
func (o Operation) ID() string { return "-s-" + o.Name }

// URL returns the canonical URL of the OperationDefinition.
func (o Operation) URL() string { return canonicalBase + "/OperationDefinition/" + o.ID() }

// URLs lists all published canonical URLs of the operation, the current one first.
func (o Operation) URLs() []string {
	return []string{o.URL(), formerBase + "/OperationDefinition/" + o.ID()}
}

// Definition returns the OperationDefinition.
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

// Inputs lists the names of the inputs.
func (o Operation) Inputs() []string {
	var names []string
	for _, p := range o.Parameters {
		if !p.Out {
			names = append(names, p.Name)
		}
	}
	return names
}
