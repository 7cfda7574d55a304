// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"slices"
	"strings"

	"reporting/internal/fhir/fhirjson"
)

// writer appends elements whose structure was checked. Only characters and narratives can still
// be faults; the first fault stops the writing.
type writer struct {
	dst    []byte
	pretty bool
	fault  *fhirjson.Fault
}

// finish returns the written text, or the fault and nothing after length.
func (w *writer) finish(length int) ([]byte, error) {
	if w.fault != nil {
		return w.dst[:length], w.fault
	}
	return w.dst, nil
}

// line starts a line in the Pretty form.
func (w *writer) line(level int) {
	if w.pretty && level > 0 {
		w.dst = append(w.dst, '\n')
		for range level {
			w.dst = append(w.dst, "  "...)
		}
	}
}

// open appends the begin of a start tag, up to the attributes.
func (w *writer) open(name string, level int) {
	w.line(level)
	w.dst = append(append(w.dst, '<'), name...)
}

// shut appends the end of an element whose start tag is open. A nil inside means an empty
// element.
func (w *writer) shut(name string, level int, inside func(level int)) {
	if inside == nil {
		w.dst = append(w.dst, "/>"...)
		return
	}
	w.dst = append(w.dst, '>')
	inside(level + 1)
	if w.pretty && level == 0 {
		w.dst = append(w.dst, '\n')
	}
	w.line(level)
	w.dst = append(append(append(w.dst, "</"...), name...), '>')
}

func (w *writer) attribute(path *fhirjson.Path, name, value string) {
	w.dst = append(append(append(w.dst, ' '), name...), `="`...)
	var bad string
	if w.dst, bad = appendAttribute(w.dst, value); bad != "" && w.fault == nil {
		w.fault = path.Fault(bad)
	}
	w.dst = append(w.dst, '"')
}

func (w *writer) resource(path *fhirjson.Path, v fhirjson.Value, level int) {
	name, _ := v.Get("resourceType")
	t, _ := fhirjson.Resource(name.Text)
	w.open(t.Name, level)
	if level == 0 {
		w.dst = append(w.dst, ` xmlns="`+fhirNamespace+`"`...)
	}
	w.members(path, t, v, t.Name, level)
}

// part is the content of one element of an object: the value and its partner.
type part struct {
	index        int // index of the element in its type
	value, extra fhirjson.Value
}

// parts sorts the members of an object into the order of its type. It skips empty arrays, which
// are no data.
func parts(t *fhirjson.Type, object fhirjson.Value) []part {
	list := make([]part, 0, len(object.Members))
	for i := range object.Members {
		name, isExtra := strings.CutPrefix(object.Members[i].Name, "_")
		index, known := t.Index(name)
		v := object.Members[i].Value
		if !known || v.Kind == fhirjson.Array && len(v.Items) == 0 {
			continue // the resourceType, because all other members are known
		}
		at, found := slices.BinarySearchFunc(list, index, func(p part, index int) int { return p.index - index })
		if !found {
			list = slices.Insert(list, at, part{index: index})
		}
		if isExtra {
			list[at].extra = v
		} else {
			list[at].value = v
		}
	}
	return list
}

// members appends the content of an element whose start tag is open: the members of an object of
// type t.
func (w *writer) members(path *fhirjson.Path, t *fhirjson.Type, object fhirjson.Value, name string, level int) {
	var children []part
	for _, p := range parts(t, object) {
		if e := &t.Elements[p.index]; isAttribute(t, e) {
			w.attribute(path.Element(e), e.Name, p.value.Text)
		} else {
			children = append(children, p)
		}
	}
	if len(children) == 0 {
		w.shut(name, level, nil)
		return
	}
	w.shut(name, level, func(level int) {
		for _, p := range children {
			w.part(path, &t.Elements[p.index], p, level)
		}
	})
}
