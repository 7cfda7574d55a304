// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Server describes this installation for the CapabilityStatement.
type Server struct {
	Base       string    // public base URL
	Version    string    // of the program
	Released   time.Time // date of this version
	CORS       bool      // whether the service answers cross-origin requests
	Operations []Operation
	Binaries   bool // whether the service stores results
}

// SoftwareName is the name of the program in a CapabilityStatement.
const SoftwareName = "reporting"

// formats lists the formats that the service reads and writes.
func formats() []string {
	var list []string
	for _, f := range Formats() {
		list = append(list, f.MediaType(), f.String())
	}
	return list
}

// CapabilityStatement describes the server (FHIR http.html, section 3.1.0.9). A HAPI client
// reads it before its first call and refuses a server with another fhirVersion.
func (s Server) CapabilityStatement() models.CapabilityStatement {
	rest := models.CapabilityStatementRest{
		Mode: models.RestfulCapabilityModeServer,
		Security: &models.CapabilityStatementRestSecurity{
			Cors: new(s.CORS),
			Description: new("Operations take a bearer token (RFC 6750). The caller is its claim user_id; " +
				"this statement and the definitions are open."),
		},
		Resource: []models.CapabilityStatementRestResource{definitionsResource()},
	}
	if s.Binaries {
		rest.Resource = append([]models.CapabilityStatementRestResource{binaryResource()}, rest.Resource...)
	}
	for _, o := range s.Operations {
		rest.Operation = append(rest.Operation, models.CapabilityStatementRestResourceOperation{
			Name:       o.Name,
			Definition: o.URL(),
		})
	}
	return models.CapabilityStatement{
		Status: models.PublicationStatusActive,
		Date:   s.Released.UTC().Format(time.DateOnly),
		Kind:   models.CapabilityStatementKindInstance,
		Software: &models.CapabilityStatementSoftware{
			Name:    SoftwareName,
			Version: new(s.Version),
		},
		Implementation: &models.CapabilityStatementImplementation{
			Description: "Reports, and how they are doing",
			Url:         new(s.Base),
		},
		FhirVersion: models.FHIRVersion4_0_1,
		Format:      formats(),
		Rest:        []models.CapabilityStatementRest{rest},
	}
}

func definitionsResource() models.CapabilityStatementRestResource {
	return models.CapabilityStatementRestResource{
		Type: models.ResourceTypeOperationDefinition,
		Interaction: []models.CapabilityStatementRestResourceInteraction{
			{Code: models.TypeRestfulInteractionRead},
			{Code: models.TypeRestfulInteractionSearchType},
		},
		SearchParam: []models.CapabilityStatementRestResourceSearchParam{
			{Name: "url", Type: models.SearchParamTypeUri},
			{Name: "code", Type: models.SearchParamTypeToken},
		},
	}
}
