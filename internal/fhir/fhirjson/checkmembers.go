// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"strings"
)

// The members of an element that were seen: the value and its partner _name.
const (
	seenValue = 1 << iota
	seenExtra
)

// members checks the members of an object of type t.
func (c *checker) members(path *Path, t *Type, object Value) {
	if isEmpty(object) && !c.lenient {
		c.add(path.Fault("An object must not be empty: leave the element out."))
		return
	}
	seen := make([]uint8, len(t.Elements))
	types := 0
	for i := range object.Members {
		if c.full() {
			return
		}
		member := &object.Members[i]
		if t.IsResource && member.Name == "resourceType" {
			if types++; types > 1 {
				c.add(path.Fault("The resource has two resourceTypes."))
			}
			continue
		}
		name, isExtra := strings.CutPrefix(member.Name, "_")
		index, ok := t.Index(name)
		if !ok || isExtra && !t.Elements[index].extensible() {
			c.add(path.Unknown(member.Name))
			continue
		}
		e := &t.Elements[index]
		at, bit := path.Element(e), uint8(seenValue)
		if isExtra {
			bit = seenExtra
		}
		if seen[index]&bit != 0 {
			c.add(at.Fault("The name " + Quote(member.Name) + " stands twice in one object."))
		}
		seen[index] |= bit
		if other := otherAlternative(t, index, seen); other != "" {
			c.add(at.Both(e, other))
		}
		if isExtra {
			c.extra(at, e, object, member.Value)
		} else {
			c.element(at, e, object, member.Value)
		}
	}
}

// isEmpty reports whether an object has no members other than empty arrays.
func isEmpty(object Value) bool {
	for i := range object.Members {
		if v := &object.Members[i].Value; v.Kind != Array || len(v.Items) > 0 {
			return false
		}
	}
	return true
}

// extensible reports whether an element may have a partner _name.
func (e *Element) extensible() bool {
	return !e.Bare && e.Kind != ComplexElement && e.Kind != ResourceElement
}

// otherAlternative returns another alternative of the same choice that was seen. Alternatives
// are adjacent.
func otherAlternative(t *Type, index int, seen []uint8) string {
	choice := t.Elements[index].Choice
	if choice == "" {
		return ""
	}
	for i := index - 1; i >= 0 && t.Elements[i].Choice == choice; i-- {
		if seen[i] != 0 {
			return t.Elements[i].Name
		}
	}
	for i := index + 1; i < len(t.Elements) && t.Elements[i].Choice == choice; i++ {
		if seen[i] != 0 {
			return t.Elements[i].Name
		}
	}
	return ""
}
