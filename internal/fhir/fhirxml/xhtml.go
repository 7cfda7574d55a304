// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"fmt"

	"reporting/internal/fhir/fhirjson"
)

// appendDiv appends the content of Narrative.div: one XHTML div element (FHIR narrative.html,
// section 2.4.0).
func appendDiv(dst []byte, text string) ([]byte, *fhirjson.Fault) {
	r, fault := newReader([]byte(text), 0)
	if fault != nil {
		return dst, fault
	}
	t, fault := r.next()
	switch {
	case fault != nil:
		return dst, fault
	case t.kind != startToken || !isDiv(t):
		return dst, &fhirjson.Fault{Reason: "A narrative is one div element in the namespace " + xhtmlNamespace + "."}
	}
	if dst, fault = r.appendDiv(dst, t); fault != nil {
		return dst, fault
	}
	t, fault = r.next()
	if fault == nil && t.kind != endOfText {
		fault = &fhirjson.Fault{Reason: "A narrative has nothing beside its div element."}
	}
	return dst, fault
}

func isDiv(t token) bool { return t.local == "div" && t.space == xhtmlNamespace }

// appendDiv appends the div element after its start token, in a normal form: names without
// prefix, the namespace on the div, attributes in double quotes, and no CDATA.
func (r *reader) appendDiv(dst []byte, start token) ([]byte, *fhirjson.Fault) {
	dst, fault := appendStart(dst, start, ` xmlns="`+xhtmlNamespace+`"`)
	empty := true // the last start tag is still open
	for depth := 1; depth > 0 && fault == nil; {
		var t token
		if t, fault = r.next(); fault != nil {
			break
		}
		if t.kind == textToken && t.text == "" {
			continue
		}
		if empty && t.kind != endToken {
			dst = append(dst, '>')
		}
		switch t.kind {
		case startToken:
			if depth++; depth > fhirjson.MaxDepth {
				fault = &fhirjson.Fault{Reason: tooDeep}
				break
			}
			dst, fault = appendStart(dst, t, "")
		case endToken:
			dst = appendEnd(dst, t.local, empty)
			depth--
		case commentToken:
			dst = append(append(append(dst, "<!--"...), t.text...), "-->"...)
		default:
			dst = appendText(dst, t.text)
		}
		empty = t.kind == startToken
	}
	return dst, fault
}

// appendStart appends a start tag without its end.
func appendStart(dst []byte, t token, namespace string) ([]byte, *fhirjson.Fault) {
	if t.space != xhtmlNamespace {
		return dst, &fhirjson.Fault{Reason: "The element " + fhirjson.Quote(t.local) + " in a narrative is not in the namespace " + xhtmlNamespace + "."}
	}
	dst = append(append(append(dst, '<'), t.local...), namespace...)
	for _, a := range t.attributes {
		dst = append(dst, ' ')
		switch a.space {
		case "":
		case xmlNamespace:
			dst = append(dst, "xml:"...)
		default:
			return dst, &fhirjson.Fault{Reason: "The attribute " + fhirjson.Quote(a.local) + " in a narrative is not XHTML."}
		}
		dst = append(append(dst, a.local...), `="`...)
		dst = append(escape(dst, a.value, attributeReference), '"')
	}
	return dst, nil
}

// appendEnd appends an end tag, or closes the start tag of an empty element. Only elements that
// are always empty in HTML get the short form, because browsers take <p/> for the start of a
// paragraph.
func appendEnd(dst []byte, name string, empty bool) []byte {
	if empty && alwaysEmpty(name) {
		return append(dst, "/>"...)
	}
	if empty {
		dst = append(dst, '>')
	}
	return append(append(append(dst, "</"...), name...), '>')
}

func alwaysEmpty(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}

var tooDeep = fmt.Sprintf("Elements stand in each other more than %d deep.", fhirjson.MaxDepth)
