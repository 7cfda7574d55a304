// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"fmt"
	"html"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirxml"
)

// Issue is one fault for a client (OperationOutcome.issue, severity error).
type Issue struct {
	Code models.IssueType
	// Diagnostics is a sentence in plain words. HAPI clients show only this text, of the first
	// issue. It must not be empty.
	Diagnostics string
	// MessageCode is the published code of the infrastructure (SECURITY_…, REPORTING_…,
	// GENERAL_…), or empty.
	MessageCode string
	// Expression is the FHIRPath of the element at fault, or empty.
	Expression string
}

// Outcome returns an OperationOutcome with a narrative. id is the request's id, so that
// operators can find the request in the log.
func Outcome(id string, issues ...Issue) models.OperationOutcome {
	outcome := models.OperationOutcome{Text: narrative(issues)}
	if id != "" {
		outcome.Id = new(id)
	}
	for _, issue := range issues {
		// Diagnostics may quote the client's text, which XML may not be able to represent.
		issue.Diagnostics = fhirxml.Legible(issue.Diagnostics)
		entry := models.OperationOutcomeIssue{
			Severity:    models.IssueSeverityError,
			Code:        issue.Code,
			Diagnostics: new(issue.Diagnostics),
		}
		if issue.MessageCode != "" {
			entry.Details = &models.CodeableConcept{Coding: []models.Coding{{Code: new(issue.MessageCode)}}}
		}
		if issue.Expression != "" {
			entry.Expression = []string{issue.Expression}
		}
		outcome.Issue = append(outcome.Issue, entry)
	}
	return outcome
}

func narrative(issues []Issue) *models.Narrative {
	var div strings.Builder
	div.WriteString(`<div xmlns="http://www.w3.org/1999/xhtml">`)
	for _, issue := range issues {
		fmt.Fprintf(&div, "<p>%s: %s</p>", issue.Code.Code(), html.EscapeString(fhirxml.Legible(issue.Diagnostics)))
	}
	div.WriteString(`</div>`)
	return &models.Narrative{Status: models.NarrativeStatusGenerated, Div: div.String()}
}
