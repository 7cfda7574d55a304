// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strconv"
)

// Path is the position of an element in a resource. It is converted to text only for a fault,
// because there is a Path for every element.
type Path struct {
	parent *Path
	name   string
	index  int // index in a list, or -1
}

// Root returns the start of a Path: the name of a resource type, or the FHIRPath of an element.
func Root(name string) *Path { return &Path{name: name, index: -1} }

// Element returns the position of an element below p.
func (p *Path) Element(e *Element) *Path {
	return &Path{parent: p, name: e.PathName(), index: -1}
}

// Item returns the position of an item of the list p.
func (p *Path) Item(index int) *Path {
	return &Path{parent: p.parent, name: p.name, index: index}
}

// String returns the position as FHIRPath: Parameters.parameter[0].value.
func (p *Path) String() string { return string(p.append(nil)) }

func (p *Path) append(dst []byte) []byte {
	if p.parent != nil {
		dst = append(p.parent.append(dst), '.')
	}
	dst = append(dst, p.name...)
	if p.index >= 0 {
		dst = append(dst, '[')
		dst = strconv.AppendInt(dst, int64(p.index), 10)
		dst = append(dst, ']')
	}
	return dst
}

// Fault returns a fault at this position.
func (p *Path) Fault(reason string) *Fault {
	return &Fault{Expression: p.String(), Reason: reason}
}

// Unknown returns the fault of an unknown element below p. A name that is no FHIR name is not
// part of the Expression.
func (p *Path) Unknown(name string) *Fault {
	fault := p.Fault("There is no element " + Quote(name) + " here in FHIR R4.")
	if plain(name) {
		fault.Expression += "." + name
	}
	return fault
}

// NoResourceType returns the fault of an unknown resource type at p.
func (p *Path) NoResourceType(name string) *Fault {
	return p.Fault(Quote(name) + " is no resource type of FHIR R4.")
}

// Both returns the fault of an element e that occurs together with another alternative of its
// choice.
func (p *Path) Both(e *Element, other string) *Fault {
	return p.Fault("Only one of " + e.Choice + "[x] may be there, but both " + other + " and " + e.Name + " are.")
}
