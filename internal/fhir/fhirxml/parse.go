// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"bytes"
	"fmt"
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// Parse parses one resource in FHIR XML and returns the equivalent FHIR JSON, with resourceType
// first and the other members in the order of the type. It accepts elements in any order. Its
// result passes fhirjson.Check and has at most fhirjson.MaxDepth levels, counted as in JSON.
//
// It refuses text that is not well-formed XML 1.0 in UTF-8, document types and processing
// instructions, and XML that is not FHIR: other namespaces, unknown elements and attributes
// (except xsi:schemaLocation and similar ones), text between elements, and values that JSON
// cannot represent. The error is a *fhirjson.Fault.
func Parse(text []byte) (fhirjson.Value, error) {
	v, _, fault := parse(text, "")
	if fault != nil {
		return fhirjson.Value{}, fault
	}
	return v, nil
}

// WrongRoot is the error of ParseAs for another root element in the FHIR namespace than the
// expected one, whether R4 knows it or not.
type WrongRoot struct{ Name string } //nolint:errname // it says what was found

// Error implements error.
func (e *WrongRoot) Error() string { return "The root element is " + fhirjson.Quote(e.Name) + "." }

// ParseAs is Parse for a resource of one type. Its error may be a *WrongRoot.
func ParseAs(text []byte, resourceType string) (fhirjson.Value, error) {
	v, other, fault := parse(text, resourceType)
	switch {
	case fault != nil:
		return fhirjson.Value{}, fault
	case other != "":
		return fhirjson.Value{}, &WrongRoot{Name: other}
	}
	return v, nil
}

// parse parses a resource, of the type wanted if that is not empty. other is the name of another
// root element.
func parse(text []byte, wanted string) (v fhirjson.Value, other string, fault *fhirjson.Fault) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	begin, fault := skipDeclaration(text)
	if fault != nil {
		return v, "", fault
	}
	r, fault := newReader(text, begin)
	if fault != nil {
		return v, "", fault
	}
	p, nowhere := parser{reader: r}, fhirjson.Root("")
	root, fault := p.significant(nowhere)
	if fault != nil {
		return v, "", fault
	}
	if wanted != "" && root.space == fhirNamespace && root.local != wanted {
		return v, root.local, nil
	}
	t, fault := resourceType(nowhere, root)
	if fault != nil {
		return v, "", fault
	}
	if v, fault = p.object(fhirjson.Root(t.Name), t, root, 1); fault != nil {
		return v, "", fault
	}
	_, fault = p.significant(nowhere)
	return v, "", fault
}

type parser struct {
	reader *reader
	values int // number of elements so far
}

// significant returns the next start or end of an element, or the end of the text. Between FHIR
// elements only white space and comments are allowed.
func (p *parser) significant(path *fhirjson.Path) (token, *fhirjson.Fault) {
	for {
		t, fault := p.reader.next()
		switch {
		case fault != nil:
			return token{}, fault
		case t.kind == textToken && strings.Trim(t.text, whiteSpace) != "":
			return token{}, path.Fault("Text must not stand here: FHIR XML has values in attributes.")
		case t.kind != textToken && t.kind != commentToken:
			return t, nil
		}
	}
}

// resourceType returns the type of a resource from its start tag.
func resourceType(path *fhirjson.Path, start token) (*fhirjson.Type, *fhirjson.Fault) {
	if start.space != fhirNamespace {
		return nil, path.Fault("The element " + fhirjson.Quote(start.local) + " is not in the namespace " + fhirNamespace + ".")
	}
	t, ok := fhirjson.Resource(start.local)
	if !ok {
		return nil, path.NoResourceType(start.local)
	}
	return t, nil
}

// object parses an element of type t after its start tag. depth is the number of open JSON
// arrays and objects, this element's included.
func (p *parser) object(path *fhirjson.Path, t *fhirjson.Type, start token, depth int) (fhirjson.Value, *fhirjson.Fault) {
	b := builder{t: t}
	for _, a := range start.attributes {
		if a.space == xsiNamespace {
			continue
		}
		index, ok := t.Index(a.local)
		if !ok || a.space != "" || !isAttribute(t, &t.Elements[index]) {
			return fhirjson.Value{}, unknownAttribute(path, a)
		}
		if a.value == "" {
			return fhirjson.Value{}, path.Element(&t.Elements[index]).Fault(emptyAttribute)
		}
		b.add(index, fhirjson.Value{Kind: fhirjson.String, Text: a.value}, fhirjson.Value{})
	}
	if fault := p.children(path, &b, depth); fault != nil {
		return fhirjson.Value{}, fault
	}
	if len(b.parts) == 0 && !t.IsResource {
		return fhirjson.Value{}, path.Fault("An element must not be empty: leave it out.")
	}
	return b.object(), nil
}

const emptyAttribute = "An attribute must not be empty: leave it out."

func unknownAttribute(path *fhirjson.Path, a attribute) *fhirjson.Fault {
	return path.Fault("There is no attribute " + fhirjson.Quote(a.local) + " here in FHIR XML.")
}

// children parses the child elements of an element and its end.
func (p *parser) children(path *fhirjson.Path, b *builder, depth int) *fhirjson.Fault {
	for {
		start, fault := p.significant(path)
		if fault != nil {
			return fault
		}
		if start.kind == endToken {
			return nil
		}
		index, ok := b.t.Index(start.local)
		if !ok {
			return path.Unknown(start.local)
		}
		if p.values++; p.values > fhirjson.MaxValues {
			return &fhirjson.Fault{Reason: fmt.Sprintf("The text holds more than %d elements.", fhirjson.MaxValues)}
		}
		if fault := p.child(path, b, index, start, depth); fault != nil {
			return fault
		}
	}
}
