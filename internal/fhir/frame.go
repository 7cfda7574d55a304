// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"bytes"
	"encoding/json"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// frame is the text around the entries of a status Bundle in one style.
type frame struct {
	empty string // the Bundle without entries
	first string // before the first entry
	next  string // before each other one
	end   string // after the last
}

func frameOf(style Style) frame {
	switch style {
	case Style{Format: JSON, Pretty: true}:
		const head = "{\n  \"resourceType\": \"Bundle\",\n  \"type\": \"collection\""
		return frame{head + "\n}", head + ",\n  \"entry\": [\n" + prettyEntry, ",\n" + prettyEntry, "\n  ]\n}"}
	case Style{Format: XML}:
		const head = `<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>`
		return frame{head + "</Bundle>", head, "", "</Bundle>"}
	case Style{Format: XML, Pretty: true}:
		const head = "<Bundle xmlns=\"http://hl7.org/fhir\">\n  <type value=\"collection\"/>"
		const end = "\n</Bundle>"
		return frame{head + end, head, "", end}
	}
	const head = `{"resourceType":"Bundle","type":"collection"`
	return frame{head + "}", head + `,"entry":[`, ",", "]}"}
}

// prettyEntry is the indentation of entries in pretty JSON.
const prettyEntry = indent + indent

// appendEntry converts an entry from compact JSON to this style and appends it.
func (s Style) appendEntry(dst, entry []byte) ([]byte, error) {
	if s.Format == XML {
		value, err := fhirjson.Parse(entry)
		if err != nil {
			return dst, err
		}
		return fhirxml.Encoder{Pretty: s.Pretty}.AppendElement(dst, "Bundle.entry", value, 1)
	}
	// Deep nesting multiplies the white space. An entry that would become unreadable stays
	// compact.
	if indentation(entry) > max(mostIndentation, 8*len(entry)) {
		return append(dst, entry...), nil
	}
	indented := bytes.NewBuffer(dst)
	if err := json.Indent(indented, entry, prettyEntry, indent); err != nil {
		return append(dst, entry...), nil //nolint:nilerr // unchanged
	}
	return indented.Bytes(), nil
}

// mostIndentation is the maximum white space of any entry, in bytes.
const mostIndentation = 64 << 10

// indentation estimates the white space that pretty JSON needs, in bytes.
func indentation(text []byte) int {
	sum, open, quoted := 0, len(prettyEntry)/len(indent), false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			open++
			sum += open * len(indent)
		case c == '}' || c == ']':
			open--
			sum += open * len(indent)
		case c == ',':
			sum += open * len(indent)
		}
	}
	return sum
}
