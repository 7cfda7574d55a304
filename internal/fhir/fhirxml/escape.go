// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"reporting/internal/fhir/fhirjson"
)

// inXML reports whether XML 1.0 has a character (section 2.2, Char).
func inXML(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0xd800 && r <= 0xdfff, r == 0xfffe, r == 0xffff:
		return false
	}
	return r <= utf8.MaxRune
}

// CheckText returns a *fhirjson.Fault for text that XML cannot represent.
func CheckText(s string) error {
	if reason, _ := misfit(s); reason != "" {
		return &fhirjson.Fault{Reason: "The text " + reason + "."}
	}
	return nil
}

// Legible replaces characters that XML cannot represent by U+FFFD.
func Legible(s string) string {
	return strings.Map(func(r rune) rune {
		if !inXML(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// misfit returns the reason and the position of the first character that XML cannot represent,
// or an empty reason.
func misfit(s string) (reason string, offset int) {
	for i := 0; i < len(s); {
		if s[i] >= ' ' && s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return "is not UTF-8", i
		}
		if !inXML(r) {
			return fmt.Sprintf("holds the character %U, which XML does not have", r), i
		}
		i += size
	}
	return "", 0
}

// appendAttribute appends an attribute value for double quotes (XML 1.0, section 2.3). White
// space other than the space is written as a character reference, because XML parsers would turn
// it into spaces (section 3.3.3). bad is the reason why s cannot be written.
func appendAttribute(dst []byte, s string) (result []byte, bad string) {
	if reason, _ := misfit(s); reason != "" {
		return dst, "The text " + reason + "."
	}
	return escape(dst, s, attributeReference), ""
}

// appendText appends character data (XML 1.0, section 2.4). A carriage return is written as a
// reference, because XML parsers would turn it into a newline (section 2.11).
func appendText(dst []byte, s string) []byte {
	return escape(dst, s, textReference)
}

func escape(dst []byte, s string, reference func(byte) string) []byte {
	start := 0
	for i := range len(s) {
		if written := reference(s[i]); written != "" {
			dst = append(append(dst, s[start:i]...), written...)
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

func textReference(b byte) string {
	switch b {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func attributeReference(b byte) string {
	switch b {
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	}
	return textReference(b)
}
