// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// The published code and text of the infrastructure for a report that failed.
const (
	GenerationFailed     = "REPORTING_REPORT_GENERATION_FAILED"
	generationFailedText = "Report generation has failed"
)

// Failure returns the issue of a failed report. The reason may be empty.
func Failure(reason string) Issue {
	text := generationFailedText
	if reason != "" {
		text += ": " + strings.TrimSuffix(reason, ".")
	}
	return Issue{Code: models.IssueTypeException, MessageCode: GenerationFailed, Diagnostics: text + "."}
}

// appendOutcome appends the part with the reason of a failed job.
func (b *StatusBundle) appendOutcome(dst []byte, reason string) []byte {
	text, err := marshalJSON(Outcome("", Failure(reason)))
	if err != nil {
		return dst // cannot happen: all codes are known
	}
	dst = append(dst, `,{"name":"outcome","resource":`...)
	return append(append(dst, text...), '}')
}
