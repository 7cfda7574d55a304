// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"bytes"
	"fmt"
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// Parse reads one resource in FHIR XML and returns what FHIR JSON says in its
// place, the resourceType first and all members in the order of the type. The
// order of elements is not insisted on. What comes back has no fault for
// fhirjson.Check and nests no deeper than fhirjson.MaxDepth, counted as in JSON.
//
// Refused is what is not well-formed XML 1.0 in UTF-8, document types and
// processing instructions, and what is not FHIR: other namespaces, elements and
// attributes that R4 does not know (but xsi:schemaLocation and its kin), text
// beside elements, and values that JSON could not show. The error is a
// *fhirjson.Fault.
func Parse(text []byte) (fhirjson.Value, error) {
	v, _, fault := parse(text, "")
	if fault != nil {
		return fhirjson.Value{}, fault
	}
	return v, nil
}

// WrongRoot is the error of ParseAs for another element of the FHIR namespace than
// the one that was expected. Whether R4 knows it, and what follows, is not looked
// at.
type WrongRoot struct{ Name string } //nolint:errname // it says what was found

// Error names the element.
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

// parse reads a resource, of the wanted type if one is wanted. other is the root
// element that stood there in its place.
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
	values int // elements read so far, which take as much memory as in JSON
}

// significant returns the next start or end of an element, or the end of the
// text. Between the elements of FHIR, which path stands for, there is nothing
// but white space and comments.
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

// resourceType returns the type of the resource whose element begins so.
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

// object reads an element of type t after its start tag. depth is how many
// arrays and objects JSON has open once the element's is.
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

// children reads the elements in an element, and its end.
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
