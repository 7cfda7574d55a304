// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"slices"

	"reporting/internal/fhir/fhirjson"
)

// builder collects the elements of an object of type t in any order.
type builder struct {
	t     *fhirjson.Type
	parts []gathered
}

// gathered is the content of one element: its items, where values and extras with the same index
// belong together and either can be null.
type gathered struct {
	index          int
	values, extras []fhirjson.Value
	hasValue       bool
	hasExtra       bool
}

// find returns the index of an element in parts. It starts with the last part, which is the
// usual one.
func (b *builder) find(index int) int {
	for i, g := range slices.Backward(b.parts) {
		if g.index == index {
			return i
		}
	}
	return -1
}

// conflict returns the name of another alternative of the same choice that was read, and the
// number of times that the element itself was read.
func (b *builder) conflict(index int) (other string, before int) {
	if i := b.find(index); i >= 0 {
		return "", len(b.parts[i].values)
	}
	choice := b.t.Elements[index].Choice
	for i := range b.parts {
		if e := &b.t.Elements[b.parts[i].index]; choice != "" && e.Choice == choice {
			return e.Name, 0
		}
	}
	return "", 0
}

func (b *builder) add(index int, value, extra fhirjson.Value) {
	i := b.find(index)
	if i < 0 {
		i = len(b.parts)
		b.parts = append(b.parts, gathered{index: index})
	}
	g := &b.parts[i]
	g.values, g.extras = append(g.values, value), append(g.extras, extra)
	g.hasValue = g.hasValue || value.Kind != fhirjson.Null
	g.hasExtra = g.hasExtra || extra.Kind != fhirjson.Null
}

// object returns the collected elements in the order of the type.
func (b *builder) object() fhirjson.Value {
	object := fhirjson.Value{Kind: fhirjson.Object}
	if b.t.IsResource {
		name := fhirjson.Value{Kind: fhirjson.String, Text: b.t.Name}
		object.Members = append(object.Members, fhirjson.Member{Name: "resourceType", Value: name})
	}
	slices.SortFunc(b.parts, func(x, y gathered) int { return x.index - y.index })
	for i := range b.parts {
		g := &b.parts[i]
		e := &b.t.Elements[g.index]
		// For a list, JSON requires both arrays (json.html, section 2.6.2.3), and HAPI does not
		// read the second one without the first.
		if g.hasValue || e.List {
			object.Members = append(object.Members, fhirjson.Member{Name: e.Name, Value: oneOrAll(e, g.values)})
		}
		if g.hasExtra {
			object.Members = append(object.Members, fhirjson.Member{Name: "_" + e.Name, Value: oneOrAll(e, g.extras)})
		}
	}
	return object
}

func oneOrAll(e *fhirjson.Element, items []fhirjson.Value) fhirjson.Value {
	if !e.List {
		return items[0]
	}
	return fhirjson.Value{Kind: fhirjson.Array, Items: items}
}
