// SPDX-License-Identifier: Apache-2.0

package negotiation

import "strings"

// Strict reports Prefer: handling=strict: the client wants an error for unknown inputs (RFC
// 7240, section 4.4; FHIR R4 search.html, section 3.1.1.7).
func Strict(prefer []string) bool {
	value, _ := preference(prefer, "handling")
	return strings.EqualFold(value, "strict")
}

// Async reports Prefer: respond-async: the client polls for the result (RFC 7240, section 4.1;
// FHIR R4 async.html).
func Async(prefer []string) bool {
	_, given := preference(prefer, "respond-async")
	return given
}

// preference returns the value of a preference. Of several, the first one counts (RFC 7240,
// section 2).
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
