// SPDX-License-Identifier: Apache-2.0

package fhirjson

// MostFaults is the maximum number of faults that Check returns, so that a response does not
// grow with the number of faults.
const MostFaults = 20

// Check compares a resource with the structure that FHIR R4 defines (json.html) and returns up
// to MostFaults faults in the order of the text. It checks that elements are known, values have
// the right kind, lists are arrays, a choice has one alternative, id and extensions (_name)
// accompany primitive values only, and nothing is empty. Empty arrays are allowed, because
// JavaScript clients send them. Contained resources are checked too.
//
// It does not check codes, minimum cardinalities, references and the formats of strings.
func Check(resource Value) []Fault {
	c := checker{most: MostFaults}
	c.root(resource)
	return c.faults
}

// CheckShape returns the first fault that Check finds, or nil, but accepts empty strings and
// objects: a resource that was stored with one can still be shown. The error is a *Fault.
func CheckShape(resource Value) error {
	c := checker{most: 1, lenient: true}
	c.root(resource)
	return c.first()
}

// CheckShape is CheckShape for one item of the element e. path names the item, not the list.
func (e *Element) CheckShape(path *Path, item Value) error {
	c := checker{most: 1, lenient: true}
	c.item(path, e, item)
	return c.first()
}

type checker struct {
	faults  []Fault
	most    int
	lenient bool // accepts empty strings and objects
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

// root checks a resource that is not contained in another one.
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
