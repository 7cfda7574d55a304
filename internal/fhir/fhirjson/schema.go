// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"reflect"
)

// ElementKind is the kind of an element's content. All kinds but Complex and Resource are
// primitive.
type ElementKind uint8

// The kinds.
const (
	StringElement   ElementKind = iota // everything that JSON writes as a string, including codes
	BooleanElement                     // boolean
	IntegerElement                     // integer, positiveInt and unsignedInt
	DecimalElement                     // decimal
	XHTMLElement                       // Narrative.div, in JSON a string
	ComplexElement                     // a datatype or a backbone element
	ResourceElement                    // any resource
)

// JSON returns the kind of JSON value of one item of such an element.
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

// Type is a resource type, a datatype or a backbone element of FHIR R4. Types are shared and
// must not be changed.
type Type struct {
	Name       string
	IsResource bool
	Elements   []Element // in the order of the specification, which XML requires
	index      map[string]int
}

// Index returns the index in Elements of an element with a JSON name.
func (t *Type) Index(name string) (int, bool) {
	i, ok := t.index[name]
	return i, ok
}

// Element is one element of a Type. Each alternative of a choice is an element of its own:
// valueString, valueCode.
type Element struct {
	Name   string // in JSON and XML
	Kind   ElementKind
	List   bool
	Choice string // common part of the alternatives, such as "value"; empty: no choice
	// Bare means that the value has neither id nor extensions: every id, Extension.url
	// (System.String in their definitions) and xhtml.
	Bare bool
	of   reflect.Type // of a ComplexElement
}

// PathName returns the element's name in FHIRPath, which is the same for all alternatives of a
// choice.
func (e *Element) PathName() string {
	if e.Choice != "" {
		return e.Choice
	}
	return e.Name
}

// Type returns the type of a ComplexElement, and nil for other kinds. The resourceType
// determines the content of a ResourceElement.
func (e *Element) Type() *Type {
	if e.Kind != ComplexElement {
		return nil
	}
	return typeOf(e.of)
}

// Resource returns the resource type with a name, if R4 has it.
func Resource(name string) (*Type, bool) {
	t, ok := resources()[name]
	if !ok {
		return nil, false
	}
	return typeOf(t), true
}
