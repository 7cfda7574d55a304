// SPDX-License-Identifier: Apache-2.0

package fhirjson

// element checks the value of an element. Its partner _name, if present, is in the same object.
func (c *checker) element(path *Path, e *Element, object, v Value) {
	switch {
	case !e.List && v.Kind == Array:
		c.add(path.Fault("The element does not repeat, but has an array here."))
	case !e.List:
		c.item(path, e, v)
	case v.Kind != Array:
		c.add(path.Fault("The element is a list: an array must stand here, not " + v.Kind.String() + "."))
	default:
		var partner Value
		if e.extensible() {
			partner, _ = object.Get("_" + e.Name)
		}
		for i := range v.Items {
			if c.full() {
				return
			}
			if v.Items[i].Kind == Null && hasItem(partner, i) {
				continue // the value is absent, but its partner is present
			}
			c.item(path.Item(i), e, v.Items[i])
		}
	}
}

// hasItem reports whether an array has a value other than null at an index.
func hasItem(array Value, i int) bool {
	return array.Kind == Array && i < len(array.Items) && array.Items[i].Kind != Null
}

// item checks one value of an element; of a list, one item.
func (c *checker) item(path *Path, e *Element, v Value) {
	want := e.Kind.JSON()
	switch {
	case v.Kind == Null:
		c.add(path.Fault("FHIR knows null only where an array pairs with another: leave the element out."))
	case v.Kind != want:
		c.add(path.Fault("The value must be " + want.String() + ", not " + v.Kind.String() + "."))
	case e.Kind == ResourceElement:
		if t := c.resourceType(path, v); t != nil {
			c.members(path, t, v)
		}
	case e.Kind == ComplexElement:
		c.members(path, e.Type(), v)
	case want == String && v.Text == "" && !c.lenient:
		c.add(path.Fault("A string must not be empty: leave the element out."))
	case e.Kind == IntegerElement && !IsInteger(v.Text):
		c.add(path.Fault("The value must be a whole number, without fraction and exponent."))
	case e.Kind == DecimalElement && !IsDecimal(v.Text):
		c.add(path.Fault("The value must be a number as JSON spells it."))
	case want == Bool && v.Text != "true" && v.Text != "false":
		c.add(path.Fault("The value must be true or false."))
	}
}

// extra checks a member _name: the id and extensions of a primitive value. For a list it is an
// array of the same length, with null for items without them.
func (c *checker) extra(path *Path, e *Element, object, v Value) {
	partner, _ := object.Get(e.Name)
	switch {
	case !e.List && v.Kind != Object:
		c.add(path.Fault("The member _" + e.Name + " must be an object, not " + v.Kind.String() + "."))
	case !e.List:
		c.extraObject(path, partner.Kind != Null, v)
	case v.Kind != Array:
		c.add(path.Fault("The member _" + e.Name + " must be an array, not " + v.Kind.String() + "."))
	case len(v.Items) > 0 && len(partner.Items) > 0 && len(v.Items) != len(partner.Items):
		c.add(path.Fault("The arrays " + e.Name + " and _" + e.Name + " must be of the same length."))
	default:
		for i := range v.Items {
			if c.full() {
				return
			}
			switch item := v.Items[i]; {
			case item.Kind == Object:
				c.extraObject(path.Item(i), hasItem(partner, i), item)
			case item.Kind != Null:
				c.add(path.Item(i).Fault("An item of _" + e.Name + " must be an object or null, not " + item.Kind.String() + "."))
			case i >= len(partner.Items): // otherwise the null is a fault already
				c.add(path.Item(i).Fault("There is neither a value nor anything that belongs to it."))
			}
		}
	}
}

// extraObject checks the id and extensions of a primitive value. Without a value there must be
// extensions (invariant ele-1).
func (c *checker) extraObject(path *Path, hasValue bool, v Value) {
	c.members(path, ElementType(), v)
	if extensions, _ := v.Get("extension"); !hasValue && len(extensions.Items) == 0 && !isEmpty(v) && !c.lenient {
		c.add(path.Fault("There is neither a value nor an extension in its place."))
	}
}
