// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"fmt"
	"html"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
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
		issue.Diagnostics = legible(issue.Diagnostics)
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

// legible replaces what no XML document may hold (XML 1.0, section 2.2):
// diagnostics may quote what a client sent.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\t' && r != '\n' && r != '\r') || r == '\ufffe' || r == '\uffff' {
			return '\ufffd'
		}
		return r
	}, text)
}

func narrative(issues []Issue) *models.Narrative {
	var div strings.Builder
	div.WriteString(`<div xmlns="http://www.w3.org/1999/xhtml">`)
	for _, issue := range issues {
		fmt.Fprintf(&div, "<p>%s: %s</p>", issue.Code.Code(), html.EscapeString(legible(issue.Diagnostics)))
	}
	div.WriteString(`</div>`)
	return &models.Narrative{Status: models.NarrativeStatusGenerated, Div: div.String()}
}
