// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"fmt"
	"html"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirxml"
)

// Issue is one fault told to a client (OperationOutcome.issue, severity error).
type Issue struct {
	Code models.IssueType
	// Diagnostics is a sentence in plain words. HAPI clients show this text of
	// the first issue and nothing else. It must not be empty.
	Diagnostics string
	// MessageCode is the infrastructure's published code for this fault
	// (SECURITY_…, REPORTING_…, GENERAL_…), or empty where there is none.
	MessageCode string
	// Expression is the FHIRPath of the element at fault, or empty.
	Expression string
}

// Outcome builds an OperationOutcome with a narrative. id is the request's id,
// so that what a user reports can be found in the log.
func Outcome(id string, issues ...Issue) models.OperationOutcome {
	outcome := models.OperationOutcome{Text: narrative(issues)}
	if id != "" {
		outcome.Id = new(id)
	}
	for _, issue := range issues {
		// They may quote what a client sent, and the outcome has to fit into XML.
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
