// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"reporting/internal/fhir/fhirjson"
)

// child parses an element with a known name after its start tag into b. depth is the depth of
// b's object in JSON.
func (p *parser) child(parent *fhirjson.Path, b *builder, index int, start token, depth int) *fhirjson.Fault {
	e := &b.t.Elements[index]
	path := parent.Element(e)
	namespace := fhirNamespace
	if e.Kind == fhirjson.XHTMLElement {
		namespace = xhtmlNamespace
	}
	other, before := b.conflict(index)
	switch {
	case start.space != namespace:
		return path.Fault("The element " + fhirjson.Quote(e.Name) + " is not in the namespace " + namespace + ".")
	case isAttribute(b.t, e):
		return path.Fault(fhirjson.Quote(e.Name) + " is an attribute here in FHIR XML, not an element.")
	case other != "":
		return path.Both(e, other)
	case before > 0 && !e.List:
		return path.Fault("The element does not repeat, but stands here twice.")
	}
	if e.List {
		path = path.Item(before)
		depth++ // the array
	}
	value, extra, fault := p.value(path, e, start, depth)
	if fault != nil {
		return fault
	}
	b.add(index, value, extra)
	return nil
}

// value parses one item of an element: its value and, for a primitive element, its id and
// extensions. Either can be null. depth is the depth of the surrounding JSON.
func (p *parser) value(path *fhirjson.Path, e *fhirjson.Element, start token, depth int) (value, extra fhirjson.Value, fault *fhirjson.Fault) {
	inside := depth
	if e.Kind == fhirjson.ComplexElement || e.Kind == fhirjson.ResourceElement {
		inside++ // the object
	}
	if inside > fhirjson.MaxDepth {
		return value, extra, path.Fault(tooDeep)
	}
	switch e.Kind {
	case fhirjson.ComplexElement:
		value, fault = p.object(path, e.Type(), start, inside)
	case fhirjson.ResourceElement:
		value, fault = p.wrapped(path, start, inside)
	case fhirjson.XHTMLElement:
		var div []byte
		if div, fault = p.reader.appendDiv(nil, start); fault != nil {
			fault.Expression = path.String()
		}
		value = fhirjson.Value{Kind: fhirjson.String, Text: string(div)}
	default:
		value, extra, fault = p.primitive(path, e, start, depth)
	}
	return value, extra, fault
}

// wrapped parses the one resource in an element such as contained.
func (p *parser) wrapped(path *fhirjson.Path, wrapper token, depth int) (fhirjson.Value, *fhirjson.Fault) {
	for _, a := range wrapper.attributes {
		if a.space != xsiNamespace {
			return fhirjson.Value{}, unknownAttribute(path, a)
		}
	}
	start, fault := p.significant(path)
	if fault != nil {
		return fhirjson.Value{}, fault
	}
	if start.kind == endToken {
		return fhirjson.Value{}, path.Fault("There must be a resource in this element.")
	}
	t, fault := resourceType(path, start)
	if fault != nil {
		return fhirjson.Value{}, fault
	}
	v, fault := p.object(path, t, start, depth)
	if fault != nil {
		return fhirjson.Value{}, fault
	}
	end, fault := p.significant(path)
	if fault == nil && end.kind != endToken {
		fault = path.Fault("There must be only one resource in this element.")
	}
	return v, fault
}

// primitive parses <name id="…" value="…"> with its extensions.
func (p *parser) primitive(path *fhirjson.Path, e *fhirjson.Element, start token, depth int) (value, extra fhirjson.Value, fault *fhirjson.Fault) {
	b := builder{t: fhirjson.ElementType()}
	for _, a := range start.attributes {
		switch {
		case a.space == xsiNamespace:
		case a.space != "" || a.local != "value" && a.local != "id":
			return value, extra, unknownAttribute(path, a)
		case a.value == "":
			return value, extra, path.Fault(emptyAttribute)
		case a.local == "value":
			if value, fault = primitiveValue(path, e, a.value); fault != nil {
				return value, extra, fault
			}
		default:
			index, _ := b.t.Index("id")
			b.add(index, fhirjson.Value{Kind: fhirjson.String, Text: a.value}, fhirjson.Value{})
		}
	}
	if fault := p.children(path, &b, depth+1); fault != nil {
		return value, extra, fault
	}
	if len(b.parts) > 0 {
		extra = b.object()
	}
	extensions, _ := extra.Get("extension")
	switch {
	case value.Kind == fhirjson.Null && len(extensions.Items) == 0:
		return value, extra, path.Fault("The element has neither a value nor an extension in its place.")
	case extra.Kind == fhirjson.Object && e.Bare:
		return value, extra, path.Fault("The element can have neither an id nor extensions.")
	case extra.Kind == fhirjson.Object && depth == fhirjson.MaxDepth:
		return value, extra, path.Fault(tooDeep)
	}
	return value, extra, nil
}

// primitiveValue converts the attribute value of an element, which is not empty.
func primitiveValue(path *fhirjson.Path, e *fhirjson.Element, text string) (fhirjson.Value, *fhirjson.Fault) {
	v := fhirjson.Value{Kind: e.Kind.JSON(), Text: text}
	switch {
	case e.Kind == fhirjson.BooleanElement && text != "true" && text != "false":
		return v, path.Fault("The value must be true or false.")
	case e.Kind == fhirjson.IntegerElement && !fhirjson.IsInteger(text):
		return v, path.Fault("The value must be a whole number, without fraction and exponent.")
	case e.Kind == fhirjson.DecimalElement && !fhirjson.IsDecimal(text):
		return v, path.Fault("The value must be a decimal number such as 1.50 or -2e3.")
	}
	return v, nil
}
