// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"bytes"
	"regexp"
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// declaration is the XML declaration (XML 1.0, section 2.8), with its version
// and its encoding in their quotes.
var declaration = regexp.MustCompile(`^<\?xml` +
	`[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*("[^"<>]*"|'[^'<>]*')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*("[^"<>]*"|'[^'<>]*'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"yes"|"no"|'yes'|'no'))?` +
	`[ \t\r\n]*\?>`)

// skipDeclaration returns where the text goes on after its XML declaration, if
// it has one. encoding/xml would not look where it stands, nor at all of it.
func skipDeclaration(text []byte) (int, *fhirjson.Fault) {
	after, found := bytes.CutPrefix(text, []byte("<?xml"))
	if !found || len(after) > 0 && !strings.ContainsRune(whiteSpace, rune(after[0])) {
		return 0, nil // none, or a processing instruction such as xml-stylesheet
	}
	match := declaration.FindSubmatch(text)
	if match == nil {
		return 0, &fhirjson.Fault{Reason: "The text is not well-formed XML: its declaration is not complete."}
	}
	if version := string(match[1]); version[1:len(version)-1] != "1.0" {
		return 0, &fhirjson.Fault{Reason: "Only XML 1.0 is accepted."}
	}
	if encoding := string(match[2]); encoding != "" && !strings.EqualFold(encoding[1:len(encoding)-1], "UTF-8") {
		return 0, &fhirjson.Fault{Reason: "Only XML in UTF-8 is accepted."}
	}
	return len(match[0]), nil
}
