// SPDX-License-Identifier: Apache-2.0

package negotiation

import "strings"

// Strict tells whether the client asks for an error where it would otherwise be
// ignored what it said (handling=strict: RFC 7240, section 4.4, and FHIR R4
// search.html, section 3.1.1.7). Other preferences are not taken up.
func Strict(prefer []string) bool {
	for _, line := range prefer {
		for element := range splitList(line) {
			preference, _, _ := strings.Cut(element, ";")
			name, value, _ := strings.Cut(preference, "=")
			if strings.EqualFold(strings.TrimSpace(name), "handling") {
				// Of several, the first counts (RFC 7240, section 2).
				return strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "strict")
			}
		}
	}
	return false
}
