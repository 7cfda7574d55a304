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

// mostAttributes is how many attributes an element may have, declarations of
// namespaces among them: FHIR knows three, and each takes memory.
const mostAttributes = 64

// start makes a token of a start tag. raw is the tag as it stands in the text.
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

// properName tells whether the local part of a name can stand alone, as it will
// when the prefix is gone (Namespaces in XML 1.0, section 4): encoding/xml looks
// at names with their prefix only. No name of FHIR or XHTML begins with anything
// but an ASCII letter; an underscore is tolerated.
func properName(local string) bool {
	if local == "" || strings.Contains(local, ":") {
		return false
	}
	first := local[0] | 0x20 // lower case
	return first >= 'a' && first <= 'z' || local[0] == '_'
}

// scanTag looks at a start tag of proper syntax. white: a value of an attribute
// has a tab or a line break in it. apart: there is white space between an
// attribute and the next (XML 1.0, section 3.1), which encoding/xml does not ask
// for.
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

// normalised reads a start tag again with the white space in the values of its
// attributes as XML wants it: a tab and a line break are a space each, unless
// written as a reference (XML 1.0, sections 2.11 and 3.3.3).
func normalised(raw []byte) xml.StartElement {
	tag := bytes.ReplaceAll(raw, []byte("\r\n"), []byte{' '})
	for i, b := range tag {
		if b == '\t' || b == '\n' || b == '\r' {
			tag[i] = ' '
		}
	}
	read, err := xml.NewDecoder(bytes.NewReader(tag)).RawToken()
	start, _ := read.(xml.StartElement)
	_ = err // there is none: the tag was read before
	return start
}

// checkText looks for references to halves of surrogate pairs, which encoding/xml
// makes U+FFFD, in text or a tag. It checks all other references itself.
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
