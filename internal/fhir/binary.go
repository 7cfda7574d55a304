// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

const binaryProfile = "http://hl7.org/fhir/StructureDefinition/Binary"

// instant is the format of an instant in the reference service: milliseconds, and an offset
// instead of Z.
const instant = "2006-01-02T15:04:05.000-07:00"

// BinaryFrame is the text before and after the base64 data of a Binary resource.
type BinaryFrame struct{ Before, After []byte }

// FrameBinary returns the frame of a Binary. A Binary that was never stored has neither id nor
// version. The form is the one of the recorded responses.
func FrameBinary(b report.Binary, style Style) (BinaryFrame, error) {
	// Base64 contains no such text, and only the end of the resource follows the data.
	const data = "*data*"
	resource := models.Binary{
		Meta:        &models.Meta{Profile: []string{binaryProfile}},
		ContentType: b.ContentType,
		Data:        new(data),
	}
	if b.UserID != "" {
		resource.SecurityContext = &models.Reference{Identifier: &models.Identifier{Value: new(b.UserID)}}
	}
	if b.ID != 0 {
		resource.Id = new(strconv.FormatInt(b.ID, 10))
		resource.Meta.VersionId = new(strconv.Itoa(b.Version))
		resource.Meta.LastUpdated = new(b.LastUpdated.UTC().Format(instant))
	}
	if b.Source != "" {
		resource.Meta.Source = new("#" + b.Source)
	}
	text, err := Marshal(resource, style)
	if err != nil {
		return BinaryFrame{}, err
	}
	at := bytes.LastIndex(text, []byte(data))
	if at < 0 {
		return BinaryFrame{}, errors.New("write Binary: the resource has no data")
	}
	return BinaryFrame{Before: text[:at], After: text[at+len(data):]}, nil
}

// binaryResource describes the interactions with Binary.
func binaryResource() models.CapabilityStatementRestResource {
	return models.CapabilityStatementRestResource{
		Type:    models.ResourceTypeBinary,
		Profile: new(binaryProfile),
		Interaction: []models.CapabilityStatementRestResourceInteraction{
			{Code: models.TypeRestfulInteractionVread},
			{Code: models.TypeRestfulInteractionRead},
			{Code: models.TypeRestfulInteractionDelete},
		},
		Versioning:  new(models.ResourceVersionPolicyVersioned),
		ReadHistory: new(true),
	}
}

// deleteCoding is the coding of HAPI servers for a successful deletion.
const (
	deleteSystem  = "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code"
	deleteCode    = "SUCCESSFUL_DELETE"
	deleteDisplay = "Delete succeeded."
)

// Deleted returns the response to a successful deletion.
func Deleted(id string, took time.Duration) models.OperationOutcome {
	outcome := Information(id, "Successfully deleted 1 resource(s). Took "+strconv.FormatInt(took.Milliseconds(), 10)+"ms.")
	outcome.Issue[0].Details = &models.CodeableConcept{
		Coding: []models.Coding{{System: new(deleteSystem), Code: new(deleteCode), Display: new(deleteDisplay)}},
	}
	return outcome
}

// Information returns an outcome with the severity information.
func Information(id, diagnostics string) models.OperationOutcome {
	outcome := Outcome(id, Issue{Code: models.IssueTypeInformational, Diagnostics: diagnostics})
	outcome.Issue[0].Severity = models.IssueSeverityInformation
	return outcome
}
