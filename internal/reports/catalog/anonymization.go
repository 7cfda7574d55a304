// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"strings"

	"reporting/internal/fhir"
)

// Anonymization is the name of an input that every report has.
const Anonymization = "anonymization"

// NonAnonymizedRole is the additional role for a report that is not anonymized.
const NonAnonymizedRole = "report-non-anonymized"

// The values of anonymization, without regard to case.
const (
	notAnonymized = "None"
	anonymized    = "ANONYMIZED"
)

func anonymization() fhir.OperationParameter {
	return fhir.OperationParameter{
		Name: Anonymization, Min: 1, Max: "1", Type: "string",
		Documentation: "None, or ANONYMIZED. None needs the role " + NonAnonymizedRole + ".",
	}
}

// ReadAnonymization parses a value of anonymization.
func ReadAnonymization(text string) (anonymous, ok bool) {
	switch {
	case strings.EqualFold(text, anonymized):
		return true, true
	case strings.EqualFold(text, notAnonymized):
		return false, true
	}
	return false, false
}
