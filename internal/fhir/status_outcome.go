// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// generationFailed is the infrastructure's published code and text for a report that
// could not be made.
const (
	GenerationFailed     = "REPORTING_REPORT_GENERATION_FAILED"
	generationFailedText = "Report generation has failed"
)

// Failure is the issue of a report that could not be made. The reason may be empty.
func Failure(reason string) Issue {
	text := generationFailedText
	if reason != "" {
		text += ": " + strings.TrimSuffix(reason, ".")
	}
	return Issue{Code: models.IssueTypeException, MessageCode: GenerationFailed, Diagnostics: text + "."}
}

// appendOutcome appends the part that tells why a job failed.
func (b *StatusBundle) appendOutcome(dst []byte, reason string) []byte {
	text, err := marshalJSON(Outcome("", Failure(reason)))
	if err != nil {
		return dst // none of its codes is unknown
	}
	dst = append(dst, `,{"name":"outcome","resource":`...)
	return append(append(dst, text...), '}')
}
