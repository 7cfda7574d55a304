// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strings"
)

// IsInteger reports whether text is a JSON number without fraction and exponent, as FHIR writes
// integer, positiveInt and unsignedInt. It does not check their ranges.
func IsInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return countDigits(digits) == len(digits) && wholePart(digits)
}

// IsDecimal reports whether text is a JSON number (RFC 8259, section 6), as FHIR writes a
// decimal.
func IsDecimal(text string) bool {
	rest := strings.TrimPrefix(text, "-")
	digits := countDigits(rest)
	if !wholePart(rest[:digits]) {
		return false
	}
	rest = rest[digits:]
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		digits = countDigits(fraction)
		if digits == 0 {
			return false
		}
		rest = fraction[digits:]
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return rest != "" && countDigits(rest) == len(rest)
}

// wholePart reports whether digits are the part of a number before the point: at least one digit
// and no leading zero.
func wholePart(digits string) bool {
	return digits == "0" || digits != "" && digits[0] != '0'
}

func countDigits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
