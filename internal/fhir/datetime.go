// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"errors"
	"regexp"
	"time"
)

var errDateTime = errors.New("not a dateTime")

// The forms of dateTime, instant and date (FHIR R4 datatypes.html, section
// 2.24.0.1): a time has seconds and a zone. A fraction may follow the seconds.
var dateTimeForm = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?$`)

// ParseDateTime reads a FHIR dateTime, instant or date. What is given as a year, a
// month or a day means its beginning in UTC. The error says no more than that the
// text is none.
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
