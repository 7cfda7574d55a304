// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"strings"

	"reporting/internal/fhir"
)

// Anonymization is the name of the input that every report has.
const Anonymization = "anonymization"

// NonAnonymizedRole is what a caller needs, besides, for a report that is not anonymized.
const NonAnonymizedRole = "report-non-anonymized"

// The values of anonymization, in any letter case.
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

// ReadAnonymization reads a value of anonymization.
func ReadAnonymization(text string) (anonymous, ok bool) {
	switch {
	case strings.EqualFold(text, anonymized):
		return true, true
	case strings.EqualFold(text, notAnonymized):
		return false, true
	}
	return false, false
}
