// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"encoding/json"
	"reflect"
)

// primitives returns the Go type of each primitive FHIR type, by the name in which an
// alternative of a choice ends.
func primitives() map[string]reflect.Type {
	text := reflect.TypeFor[string]()
	number := reflect.TypeFor[int]()
	return map[string]reflect.Type{
		"Base64Binary": text, "Canonical": text, "Code": text, "Date": text, "DateTime": text, "Id": text,
		"Instant": text, "Markdown": text, "Oid": text, "String": text, "Time": text, "Uri": text, "Url": text, "Uuid": text,
		"Boolean": reflect.TypeFor[bool](),
		"Decimal": reflect.TypeFor[json.Number](),
		"Integer": number, "PositiveInt": number, "UnsignedInt": number,
	}
}

// notChoices lists elements that look like a choice and are none, by type: they may occur
// together.
func notChoices() map[string]string {
	return map[string]string{
		"ClinicalImpressionFinding": "item",         // itemCodeableConcept and itemReference
		"Task":                      "instantiates", // instantiatesCanonical and instantiatesUri
	}
}

// markChoices finds the elements that the specification writes with [x]. The structs do not mark
// them, but alternatives are adjacent, do not repeat, and have names that differ only in the
// name of their type.
func markChoices(t *Type, goType reflect.Type) {
	simple := primitives()
	base := make(map[string]string, goType.NumField())
	for field := range goType.Fields() {
		name := jsonName(field)
		if common := choiceBase(name, field.Type, simple); notChoices()[t.Name] != common {
			base[name] = common
		}
	}
	for i := range t.Elements {
		e := &t.Elements[i]
		before := i > 0 && base[t.Elements[i-1].Name] == base[e.Name]
		after := i+1 < len(t.Elements) && base[t.Elements[i+1].Name] == base[e.Name]
		if before || after {
			e.Choice = base[e.Name]
		}
	}
}

// choiceBase returns the part of an alternative's name before the type, or an empty string. The
// longest type name counts: valueDateTime does not end in Time.
func choiceBase(name string, goType reflect.Type, simple map[string]reflect.Type) string {
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	for i := 1; i < len(name); i++ {
		ending := name[i:]
		if ending[0] < 'A' || ending[0] > 'Z' {
			continue
		}
		if simple[ending] == goType || goType.Kind() == reflect.Struct && goType.Name() == ending {
			return name[:i]
		}
	}
	return ""
}
