// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strconv"
)

// Path is a place in a resource. It is spelled only when there is a fault: most
// resources have none, and there is a Path for every element.
type Path struct {
	parent *Path
	name   string
	index  int // in a list, or -1
}

// Root returns the place where a Path begins: a resource type's name, or the
// FHIRPath of some element.
func Root(name string) *Path { return &Path{name: name, index: -1} }

// Element returns the place of an element below this one.
func (p *Path) Element(e *Element) *Path {
	return &Path{parent: p, name: e.PathName(), index: -1}
}

// Item returns the place of one item of the list that p is.
func (p *Path) Item(index int) *Path {
	return &Path{parent: p.parent, name: p.name, index: index}
}

// String spells the place as FHIRPath: Parameters.parameter[0].value.
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

// Fault is a fault at this place.
func (p *Path) Fault(reason string) *Fault {
	return &Fault{Expression: p.String(), Reason: reason}
}

// Unknown is the fault that the element p has something of that name, which R4
// does not know. A name that is no FHIR name stays out of the Expression.
func (p *Path) Unknown(name string) *Fault {
	fault := p.Fault("There is no element " + Quote(name) + " here in FHIR R4.")
	if plain(name) {
		fault.Expression += "." + name
	}
	return fault
}

// NoResourceType is the fault that a resource at p has a type which R4 does not
// have.
func (p *Path) NoResourceType(name string) *Fault {
	return p.Fault(Quote(name) + " is no resource type of FHIR R4.")
}

// Both is the fault that the element e at p stands beside another alternative of
// its choice.
func (p *Path) Both(e *Element, other string) *Fault {
	return p.Fault("Only one of " + e.Choice + "[x] may be there, but both " + other + " and " + e.Name + " are.")
}
