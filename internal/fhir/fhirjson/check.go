// SPDX-License-Identifier: Apache-2.0

package fhirjson

// MostFaults is how many faults of one resource are worth telling. An answer must
// not grow with what is wrong.
const MostFaults = 20

// Check compares a resource with what FHIR R4 says about its shape (json.html)
// and returns the faults in the order of the text, at most 20 of them. A shape
// without fault has known elements only, the right kinds of values, lists where
// R4 has lists, one alternative of each choice, id and extensions (_name) beside
// primitive values only, and nothing that is empty but arrays, which clients
// written in JavaScript send. Resources inside are checked as well.
//
// Codes, minimum cardinalities, references and the formats of strings are not
// looked at.
func Check(resource Value) []Fault {
	c := checker{most: MostFaults}
	c.root(resource)
	return c.faults
}

// CheckShape returns the first fault that Check finds, but lets pass what is
// empty: a resource that somebody stored long ago can be shown with an empty
// string in it. It is nil or a *Fault.
func CheckShape(resource Value) error {
	c := checker{most: 1, lenient: true}
	c.root(resource)
	return c.first()
}

// CheckShape is CheckShape for one item of the element e of a type, which path
// names: of a list the item, not the array.
func (e *Element) CheckShape(path *Path, item Value) error {
	c := checker{most: 1, lenient: true}
	c.item(path, e, item)
	return c.first()
}

type checker struct {
	faults  []Fault
	most    int
	lenient bool // lets empty strings and objects pass
}

func (c *checker) first() error {
	if len(c.faults) == 0 {
		return nil
	}
	return &c.faults[0]
}

func (c *checker) full() bool { return len(c.faults) >= c.most }

func (c *checker) add(fault *Fault) {
	if !c.full() {
		c.faults = append(c.faults, *fault)
	}
}

// root checks a resource that stands in no other.
func (c *checker) root(v Value) {
	nowhere := Root("")
	if t := c.resourceType(nowhere, v); t != nil {
		c.members(Root(t.Name), t, v)
	}
}

// resourceType returns the type of the resource at path, or nil after a fault.
func (c *checker) resourceType(path *Path, v Value) *Type {
	if v.Kind != Object {
		c.add(path.Fault("A resource is an object, but this is " + v.Kind.String() + "."))
		return nil
	}
	name, ok := v.Get("resourceType")
	switch {
	case !ok:
		c.add(path.Fault("The resource has no resourceType."))
		return nil
	case name.Kind != String:
		c.add(path.Fault("The resourceType is a string, but here it is " + name.Kind.String() + "."))
		return nil
	}
	t, ok := Resource(name.Text)
	if !ok {
		c.add(path.NoResourceType(name.Text))
		return nil
	}
	return t
}
