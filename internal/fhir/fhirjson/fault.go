// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strconv"
	"unicode/utf8"
)

// Fault is one fault in a text or a resource, in words for the client.
type Fault struct { //nolint:errname // Check returns lists of it
	// Expression is the FHIRPath of the element at fault, such as
	// Parameters.parameter[0].part[1].value. It is empty for text that could not be parsed.
	Expression string
	// Reason is a sentence in plain words.
	Reason string
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Expression == "" {
		return f.Reason
	}
	return f.Expression + ": " + f.Reason
}

// longestName is the maximum length of a quoted name, in characters.
const longestName = 64

// Quote returns a name for a Reason: in double quotes, escaped, and at most longestName long.
func Quote(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return strconv.Quote(name)
	}
	return strconv.Quote(string([]rune(name[:min(len(name), longestName*utf8.UTFMax)])[:longestName])) + "…"
}

// plain reports whether a name may be part of an Expression.
func plain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= longestName
}
