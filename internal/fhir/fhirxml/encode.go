// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// The namespaces of FHIR XML (xml.html, section 2.6.1).
const (
	fhirNamespace  = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
)

// Encoder writes FHIR XML.
type Encoder struct {
	// Pretty puts every element on a line of its own, with two spaces for each level. The
	// content of Narrative.div stays unchanged.
	Pretty bool
}

// AppendResource appends a resource as XML: a root element in the FHIR namespace, without XML
// declaration and without a final newline. On an error, which is a *fhirjson.Fault, it appends
// nothing.
func (e Encoder) AppendResource(dst []byte, resource fhirjson.Value) ([]byte, error) {
	if err := fhirjson.CheckShape(resource); err != nil {
		return dst, err
	}
	name, _ := resource.Get("resourceType")
	w := writer{dst: dst, pretty: e.Pretty}
	w.resource(fhirjson.Root(name.Text), resource, 0)
	return w.finish(len(dst))
}

// AppendElement appends one element of an open root element, so that a long list can be sent
// item by item. path is its position by names, such as Bundle.entry. level is the number of open
// elements around it, 1 directly below the root.
//
// With Pretty, a newline and spaces precede the element; the caller writes the newline before
// the end of the root. On an error, which is a *fhirjson.Fault, it appends nothing.
func (e Encoder) AppendElement(dst []byte, path string, item fhirjson.Value, level int) ([]byte, error) {
	element, ok := lookUp(path)
	if !ok {
		return dst, &fhirjson.Fault{Expression: path, Reason: "There is no such element in FHIR R4."}
	}
	at := fhirjson.Root(path)
	if err := element.CheckShape(at, item); err != nil {
		return dst, err
	}
	w := writer{dst: dst, pretty: e.Pretty}
	w.element(at, element, item, fhirjson.Value{}, level)
	return w.finish(len(dst))
}

// lookUp returns an element that is an element in XML and not an attribute.
func lookUp(path string) (*fhirjson.Element, bool) {
	name, rest, _ := strings.Cut(path, ".")
	t, ok := fhirjson.Resource(name)
	if !ok {
		return nil, false
	}
	for {
		name, rest, ok = strings.Cut(rest, ".")
		index, known := t.Index(name)
		if !known {
			return nil, false
		}
		element := &t.Elements[index]
		if !ok {
			return element, !isAttribute(t, element)
		}
		if t = element.Type(); t == nil {
			return nil, false
		}
	}
}

// isAttribute reports whether an element of t is an attribute in XML: the id of everything but
// resources, and Extension.url.
func isAttribute(t *fhirjson.Type, e *fhirjson.Element) bool {
	return e.Bare && !t.IsResource && e.Kind != fhirjson.XHTMLElement
}
