// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"reporting/internal/fhir/fhirjson"
)

// part appends all items of an element.
func (w *writer) part(path *fhirjson.Path, e *fhirjson.Element, p part, level int) {
	at := path.Element(e)
	if !e.List {
		w.element(at, e, p.value, p.extra, level)
		return
	}
	for i := range max(len(p.value.Items), len(p.extra.Items)) {
		if w.fault != nil {
			return
		}
		w.element(at.Item(i), e, item(p.value, i), item(p.extra, i), level)
	}
}

// item returns an item of an array, or null after its end.
func item(array fhirjson.Value, i int) fhirjson.Value {
	if i < len(array.Items) {
		return array.Items[i]
	}
	return fhirjson.Value{}
}

// element appends one element. value is null when only extra is present, the id and extensions
// of a primitive value.
func (w *writer) element(path *fhirjson.Path, e *fhirjson.Element, value, extra fhirjson.Value, level int) {
	switch e.Kind {
	case fhirjson.ComplexElement:
		w.open(e.Name, level)
		w.members(path, e.Type(), value, e.Name, level)
	case fhirjson.ResourceElement:
		w.open(e.Name, level)
		w.shut(e.Name, level, func(level int) { w.resource(path, value, level) })
	case fhirjson.XHTMLElement:
		w.line(level)
		w.div(path, value.Text)
	default:
		w.primitive(path, e, value, extra, level)
	}
}

func (w *writer) div(path *fhirjson.Path, text string) {
	div, fault := appendDiv(w.dst, text)
	if fault == nil {
		w.dst = div
	} else if w.fault == nil {
		w.fault = path.Fault(fault.Reason)
	}
}

// primitive appends <name id="…" value="…"> with its extensions.
func (w *writer) primitive(path *fhirjson.Path, e *fhirjson.Element, value, extra fhirjson.Value, level int) {
	id, hasID := extra.Get("id")
	extensions, _ := extra.Get("extension")
	if extra.Kind == fhirjson.Object && !hasID && len(extensions.Items) == 0 && w.fault == nil {
		w.fault = path.Fault("XML cannot say that _" + e.Name + " is an empty object.")
	}
	w.open(e.Name, level)
	if hasID {
		w.attribute(path, "id", id.Text)
	}
	if value.Kind != fhirjson.Null {
		w.attribute(path, "value", value.Text)
	}
	if len(extensions.Items) == 0 {
		w.shut(e.Name, level, nil)
		return
	}
	t := fhirjson.ElementType()
	index, _ := t.Index("extension")
	w.shut(e.Name, level, func(level int) {
		w.part(path, &t.Elements[index], part{value: extensions}, level)
	})
}
