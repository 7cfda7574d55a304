// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"testing"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// Every element of every resource type goes to XML and comes back, to a depth
// where types begin to repeat.
func TestEveryResourceType(t *testing.T) {
	t.Parallel()
	const depth = 3
	count := 0
	for code := models.ResourceType(0); code.Code() != "<unknown>"; code++ {
		of, ok := fhirjson.Resource(code.Code())
		if !ok {
			continue
		}
		count++
		v := full(of, depth, count)
		if faults := fhirjson.Check(v); len(faults) > 0 {
			t.Fatalf("%s has faults: %v", of.Name, faults)
		}
		text := encode(t, fhirxml.Encoder{}, v)
		back, err := fhirxml.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", of.Name, err)
		}
		// The tree was made in the order of the type: not even that changes.
		if diff := unlike(string(v.AppendJSON(nil)), string(back.AppendJSON(nil))); diff != "" {
			t.Errorf("%s:\n%s", of.Name, diff)
		}
	}
	if count != 146 {
		t.Errorf("%d resource types", count)
	}
}

// full makes an object with all elements of its type, depth objects deep. Of the
// alternatives of a choice it takes one, another for each variant.
func full(of *fhirjson.Type, depth, variant int) fhirjson.Value {
	object := fhirjson.Value{Kind: fhirjson.Object}
	if of.IsResource {
		object.Members = append(object.Members, member("resourceType", of.Name))
	}
	if depth == 0 {
		object.Members = append(object.Members, member("id", "x"))
		return object
	}
	for i := 0; i < len(of.Elements); {
		next := i + 1
		for of.Elements[i].Choice != "" && next < len(of.Elements) && of.Elements[next].Choice == of.Elements[i].Choice {
			next++
		}
		e := &of.Elements[i+variant%(next-i)]
		i = next
		v := sample(e, depth, variant)
		if e.List {
			v = fhirjson.Value{Kind: fhirjson.Array, Items: []fhirjson.Value{v, v}[:min(2, depth)]}
		}
		object.Members = append(object.Members, fhirjson.Member{Name: e.Name, Value: v})
	}
	return object
}

func member(name, text string) fhirjson.Member {
	return fhirjson.Member{Name: name, Value: fhirjson.Value{Kind: fhirjson.String, Text: text}}
}

func sample(e *fhirjson.Element, depth, variant int) fhirjson.Value {
	v := fhirjson.Value{Kind: e.Kind.JSON()}
	switch e.Kind {
	case fhirjson.StringElement:
		v.Text = e.Name
	case fhirjson.BooleanElement:
		v.Text = "true"
	case fhirjson.IntegerElement:
		v.Text = "7"
	case fhirjson.DecimalElement:
		v.Text = "1.10"
	case fhirjson.XHTMLElement:
		v.Text = div + `<p>x</p></div>`
	case fhirjson.ComplexElement:
		v = full(e.Type(), depth-1, variant)
	case fhirjson.ResourceElement:
		basic, _ := fhirjson.Resource("Basic")
		v = full(basic, 0, variant)
	}
	return v
}
