// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"reflect"
)

// ElementKind says what an element holds. All but Complex and Resource are
// primitive.
type ElementKind uint8

// What an element can hold.
const (
	StringElement   ElementKind = iota // everything that JSON writes as a string, codes too
	BooleanElement                     // boolean
	IntegerElement                     // integer, positiveInt and unsignedInt
	DecimalElement                     // decimal
	XHTMLElement                       // Narrative.div, in JSON a string
	ComplexElement                     // a datatype or a backbone element
	ResourceElement                    // any resource
)

// JSON is the kind of JSON value that one item of such an element is.
func (k ElementKind) JSON() Kind {
	switch k {
	case StringElement, XHTMLElement:
		return String
	case BooleanElement:
		return Bool
	case IntegerElement, DecimalElement:
		return Number
	case ComplexElement, ResourceElement:
		return Object
	}
	return Null
}

// Type is a resource type, a datatype or a backbone element of FHIR R4. Types
// are shared and must not be changed.
type Type struct {
	Name       string
	IsResource bool
	Elements   []Element // in the order of the specification, which XML must keep
	index      map[string]int
}

// Index returns where the element of that JSON name stands in Elements.
func (t *Type) Index(name string) (int, bool) {
	i, ok := t.index[name]
	return i, ok
}

// Element is one element of a Type. Each alternative of a choice is an element
// of its own: valueString, valueCode.
type Element struct {
	Name   string // as in JSON and XML
	Kind   ElementKind
	List   bool
	Choice string // what the alternatives have in common: "value"; empty where there is no choice
	// Bare: the value can have neither id nor extensions. That is so of every id,
	// of Extension.url (System.String in their definitions) and of xhtml.
	Bare bool
	of   reflect.Type // of a ComplexElement
}

// PathName is the element's name in FHIRPath, where choices have but one.
func (e *Element) PathName() string {
	if e.Choice != "" {
		return e.Choice
	}
	return e.Name
}

// Type returns the type of a ComplexElement, and nil of anything else: what a
// ResourceElement holds is known from its resourceType.
func (e *Element) Type() *Type {
	if e.Kind != ComplexElement {
		return nil
	}
	return typeOf(e.of)
}

// Resource returns the resource type of that name, if R4 has one.
func Resource(name string) (*Type, bool) {
	t, ok := resources()[name]
	if !ok {
		return nil, false
	}
	return typeOf(t), true
}
