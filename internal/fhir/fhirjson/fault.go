// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strconv"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a text or a resource, told to whoever
// wrote it.
//
//nolint:errname // It is a finding first; Check returns lists of them.
type Fault struct {
	// Expression is the FHIRPath of the element at fault, for instance
	// Parameters.parameter[0].part[1].value, or empty where the text could not
	// be read so far as to know.
	Expression string
	// Reason is a sentence in plain words.
	Reason string
}

// Error makes a fault an error.
func (f *Fault) Error() string {
	if f.Expression == "" {
		return f.Reason
	}
	return f.Expression + ": " + f.Reason
}

// longestName is how much of a name that somebody else chose is shown again, in
// characters.
const longestName = 64

// Quote returns a name for use in a Reason: in double quotes, with escapes for
// what does not print, and not longer than a reader can bear.
func Quote(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return strconv.Quote(name)
	}
	return strconv.Quote(string([]rune(name[:min(len(name), longestName*utf8.UTFMax)])[:longestName])) + "…"
}

// plain tells whether a name is harmless enough to stand in an Expression.
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
