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
	// Pretty puts every element on a line of its own, two spaces further in for
	// each level. The inside of Narrative.div stays as it is.
	Pretty bool
}

// AppendResource appends a resource as XML: a root element in the FHIR
// namespace, without XML declaration and without a newline at its end. On error,
// a *fhirjson.Fault, nothing is appended.
func (e Encoder) AppendResource(dst []byte, resource fhirjson.Value) ([]byte, error) {
	if err := fhirjson.CheckShape(resource); err != nil {
		return dst, err
	}
	name, _ := resource.Get("resourceType")
	w := writer{dst: dst, pretty: e.Pretty}
	w.resource(fhirjson.Root(name.Text), resource, 0)
	return w.finish(len(dst))
}

// AppendElement appends one element as it stands in an open root element, so
// that a long list can leave item by item. path tells which: the names of a
// resource type and of elements in it, for instance Bundle.entry. level is how
// many elements are open around it, 1 below the root.
//
// In the Pretty form a newline and spaces come before the element, as they do
// everywhere; whoever closes the root writes the last newline. On error, a
// *fhirjson.Fault, nothing is appended.
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

// lookUp finds an element that XML writes as an element: not one that is an
// attribute.
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

// isAttribute tells whether an element of t is an attribute in XML: the id of
// everything but resources, and Extension.url.
func isAttribute(t *fhirjson.Type, e *fhirjson.Element) bool {
	return e.Bare && !t.IsResource && e.Kind != fhirjson.XHTMLElement
}
