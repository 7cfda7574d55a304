// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// The infrastructure's implementation guide has published its definitions under
// two names: formerBase from version 3.0 to 3.5, canonicalBase since. They only
// name; nothing is fetched from there.
const (
	canonicalBase = "http://ehealth.sundhed.dk/fhir"
	formerBase    = "https://reporting.devtest.systematic-ehealth.com/fhir"
)

// Operation describes a system-level operation. Routes, CapabilityStatement and
// OperationDefinition are all made from it, so that they cannot disagree.
type Operation struct {
	Name         string // as in $name
	Title        string
	Description  string // markdown
	AffectsState bool   // false: may be called by GET (FHIR operations.html, section 3.2.0.2)
	Parameters   []OperationParameter
}

// ID is the id of the OperationDefinition: "-s-" stands for system level.
func (o Operation) ID() string { return "-s-" + o.Name }

// URL is the canonical URL of the OperationDefinition.
func (o Operation) URL() string { return canonicalBase + "/OperationDefinition/" + o.ID() }

// URLs lists every canonical URL under which the operation has been published,
// the present one first.
func (o Operation) URLs() []string {
	return []string{o.URL(), formerBase + "/OperationDefinition/" + o.ID()}
}

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
