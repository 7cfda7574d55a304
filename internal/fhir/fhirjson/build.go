// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// built caches the types. A type is built on first use, because most of R4 is never used and
// because types contain each other.
var built sync.Map // reflect.Type to *Type

func typeOf(t reflect.Type) *Type {
	if known, ok := built.Load(t); ok {
		return known.(*Type) //nolint:forcetypeassert // Nothing else is stored.
	}
	known, _ := built.LoadOrStore(t, build(t))
	return known.(*Type) //nolint:forcetypeassert // Nothing else is stored.
}

// ElementType returns the type of the content of a member _name: the id and extensions of a
// primitive value (FHIR json.html, section 2.6.2.3).
func ElementType() *Type { return bareElement() }

var bareElement = sync.OnceValue(func() *Type {
	return finish(&Type{Name: "Element", Elements: []Element{
		{Name: "id", Kind: StringElement, Bare: true},
		{Name: "extension", Kind: ComplexElement, List: true, of: reflect.TypeFor[models.Extension]()},
	}})
})

func build(goType reflect.Type) *Type {
	name := goType.Name()
	t := &Type{Name: name, IsResource: resources()[name] == goType}
	for field := range goType.Fields() {
		e := element(field)
		e.Bare = e.Name == "id" || e.Name == "url" && name == "Extension" || e.Kind == XHTMLElement
		t.Elements = append(t.Elements, e)
		// samply omits Resource.contained. A type with a narrative is a DomainResource, and
		// contained follows the narrative.
		if t.IsResource && e.Name == "text" {
			t.Elements = append(t.Elements, Element{Name: "contained", Kind: ResourceElement, List: true})
		}
	}
	markChoices(t, goType)
	return finish(t)
}

func finish(t *Type) *Type {
	t.index = make(map[string]int, len(t.Elements))
	for i := range t.Elements {
		t.index[t.Elements[i].Name] = i
	}
	return t
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// element derives an element from a field: the Go type determines the FHIR type.
func element(field reflect.StructField) Element {
	e := Element{Name: jsonName(field)}
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		e.Kind = ResourceElement
		return e
	}
	if t.Kind() == reflect.Slice {
		e.List, t = true, t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct:
		e.Kind, e.of = ComplexElement, t
	case t == reflect.TypeFor[json.Number]():
		e.Kind = DecimalElement
	case t.Kind() == reflect.Bool:
		e.Kind = BooleanElement
	case t == reflect.TypeFor[int]():
		e.Kind = IntegerElement
	case e.Name == "div":
		e.Kind = XHTMLElement
	default:
		e.Kind = StringElement // a string, or the integer type of a required code
	}
	return e
}
