// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// mostAttributes is the maximum number of attributes of an element, namespace declarations
// included. FHIR has three.
const mostAttributes = 64

// start converts a start tag to a token. raw is the text of the tag.
func (r *reader) start(begin int, raw []byte, read xml.StartElement) (token, *fhirjson.Fault) {
	if len(r.open) == 0 && r.root {
		return token{}, r.malformed(begin, "there is a second root element")
	}
	if fault := r.checkText(begin, raw); fault != nil {
		return token{}, fault
	}
	if len(read.Attr) > mostAttributes {
		return token{}, r.malformed(begin, fmt.Sprintf("an element has more than %d attributes", mostAttributes))
	}
	white, apart := scanTag(raw)
	if !apart {
		return token{}, r.malformed(begin, "attributes are not set apart")
	}
	if white {
		read.Attr = normalised(raw).Attr
	}
	r.root = true
	r.open = append(r.open, read.Name)
	if why := r.spaces.enter(read.Attr); why != "" {
		return token{}, r.malformed(begin, why)
	}
	t := token{kind: startToken, local: read.Name.Local}
	if !properName(t.local) {
		return token{}, r.malformed(begin, "an element has no proper name")
	}
	var ok bool
	if t.space, ok = r.spaces.lookUp(read.Name.Space); !ok {
		return token{}, r.malformed(begin, "the prefix of the element "+fhirjson.Quote(t.local)+" is not declared")
	}
	seen := make(map[attribute]bool, len(read.Attr))
	for _, a := range read.Attr {
		resolved := attribute{space: a.Name.Space, local: a.Name.Local}
		declares := isDeclaration(a.Name)
		if a.Name.Space != "" && !declares {
			if resolved.space, ok = r.spaces.lookUp(a.Name.Space); !ok {
				return token{}, r.malformed(begin, "the prefix of the attribute "+fhirjson.Quote(a.Name.Local)+" is not declared")
			}
		}
		if !declares && !properName(a.Name.Local) {
			return token{}, r.malformed(begin, "an attribute has no proper name")
		}
		if seen[resolved] {
			return token{}, r.malformed(begin, "the attribute "+fhirjson.Quote(a.Name.Local)+" stands twice in one element")
		}
		seen[resolved] = true
		if !declares {
			resolved.value = a.Value
			t.attributes = append(t.attributes, resolved)
		}
	}
	return t, nil
}

// properName reports whether the local part of a name is a name by itself (Namespaces in XML
// 1.0, section 4). encoding/xml checks names with their prefix only. All names of FHIR and XHTML
// begin with an ASCII letter; an underscore is accepted too.
func properName(local string) bool {
	if local == "" || strings.Contains(local, ":") {
		return false
	}
	first := local[0] | 0x20 // lower case
	return first >= 'a' && first <= 'z' || local[0] == '_'
}

// scanTag scans a valid start tag. white reports a tab or a line break in an attribute value.
// apart reports white space between all attributes (XML 1.0, section 3.1), which encoding/xml
// does not check.
func scanTag(raw []byte) (white, apart bool) {
	var quote byte
	for i, b := range raw {
		switch {
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote == 0:
		case b == quote:
			quote = 0
			if !strings.ContainsRune(whiteSpace+"/>", rune(raw[i+1])) {
				return white, false
			}
		case b == '\t' || b == '\n' || b == '\r':
			white = true
		}
	}
	return white, true
}

// normalised parses a start tag again with normalised white space in attribute values: a tab or
// a line break becomes a space, unless it is a reference (XML 1.0, sections 2.11 and 3.3.3).
func normalised(raw []byte) xml.StartElement {
	tag := bytes.ReplaceAll(raw, []byte("\r\n"), []byte{' '})
	for i, b := range tag {
		if b == '\t' || b == '\n' || b == '\r' {
			tag[i] = ' '
		}
	}
	read, err := xml.NewDecoder(bytes.NewReader(tag)).RawToken()
	start, _ := read.(xml.StartElement)
	_ = err // no error: the tag was parsed before
	return start
}

// checkText refuses references to half surrogate pairs in text or a tag, which encoding/xml
// turns into U+FFFD. encoding/xml checks all other references.
func (r *reader) checkText(begin int, raw []byte) *fhirjson.Fault {
	if bytes.HasPrefix(raw, []byte("<![CDATA[")) {
		return nil
	}
	for rest := raw; ; {
		_, after, found := bytes.Cut(rest, []byte("&#"))
		if !found {
			return nil
		}
		digits, _, _ := bytes.Cut(after, []byte{';'})
		number, base := string(digits), 10
		if hexadecimal, ok := strings.CutPrefix(number, "x"); ok {
			number, base = hexadecimal, 16
		}
		if n, err := strconv.ParseUint(number, base, 32); err != nil || n > 0x10ffff || !inXML(rune(n)) {
			return r.malformed(begin, "a character reference names no character of XML")
		}
		rest = after
	}
}
