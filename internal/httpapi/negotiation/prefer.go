// SPDX-License-Identifier: Apache-2.0

package negotiation

import "strings"

// Strict tells whether the client asks for an error where it would otherwise be
// ignored what it said (handling=strict: RFC 7240, section 4.4, and FHIR R4
// search.html, section 3.1.1.7).
func Strict(prefer []string) bool {
	value, _ := preference(prefer, "handling")
	return strings.EqualFold(value, "strict")
}

// Async tells whether the client would rather not wait for the result
// (respond-async: RFC 7240, section 4.1, and FHIR R4 async.html).
func Async(prefer []string) bool {
	_, given := preference(prefer, "respond-async")
	return given
}

// preference finds a preference. Of several, the first counts (RFC 7240, section 2).
func preference(prefer []string, wanted string) (value string, given bool) {
	for _, line := range prefer {
		for element := range splitList(line) {
			preference, _, _ := strings.Cut(element, ";")
			name, value, _ := strings.Cut(preference, "=")
			if strings.EqualFold(strings.TrimSpace(name), wanted) {
				return strings.Trim(strings.TrimSpace(value), `"`), true
			}
		}
	}
	return "", false
}
