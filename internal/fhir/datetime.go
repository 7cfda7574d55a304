// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"errors"
	"regexp"
	"time"
)

var errDateTime = errors.New("not a dateTime")

// The forms of dateTime, instant and date (FHIR R4 datatypes.html, section 2.24.0.1). A time has
// seconds and a zone, and may have a fraction.
var dateTimeForm = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?$`)

// ParseDateTime parses a FHIR dateTime, instant or date. A year, a month or a day means its
// beginning in UTC. The error does not contain the text.
func ParseDateTime(text string) (time.Time, error) {
	if !dateTimeForm.MatchString(text) {
		return time.Time{}, errDateTime
	}
	layout := time.RFC3339
	if len(text) <= len(time.DateOnly) {
		layout = time.DateOnly[:len(text)]
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}, errDateTime
	}
	return t, nil
}
