// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir/fhirjson"
)

func resource(t *testing.T, name string) *fhirjson.Type {
	t.Helper()
	found, ok := fhirjson.Resource(name)
	if !ok {
		t.Fatalf("R4 has no %s", name)
	}
	return found
}

// at finds an element by path, such as Patient.contact.name.
func at(t *testing.T, path string) *fhirjson.Element {
	t.Helper()
	names := strings.Split(path, ".")
	current := resource(t, names[0])
	var element *fhirjson.Element
	for _, name := range names[1:] {
		if element != nil {
			current = element.Type()
		}
		index, ok := current.Index(name)
		if !ok {
			t.Fatalf("%s has no %s", path, name)
		}
		element = &current.Elements[index]
	}
	return element
}

func names(of *fhirjson.Type) []string {
	list := make([]string, 0, len(of.Elements))
	for i := range of.Elements {
		list = append(list, of.Elements[i].Name)
	}
	return list
}

// Every resource type that samply knows the code of is in our table.
func TestEveryResource(t *testing.T) {
	t.Parallel()
	count := 0
	for code := models.ResourceType(0); code.Code() != "<unknown>"; code++ {
		name := code.Code()
		found, ok := fhirjson.Resource(name)
		abstract := name == "Resource" || name == "DomainResource" // no resource is just that
		if ok == abstract {
			t.Errorf("%s is in the table: %t", name, ok)
		}
		if !ok {
			continue
		}
		count++
		if found.Name != name || !found.IsResource {
			t.Errorf("%s is %s, resource %t", name, found.Name, found.IsResource)
		}
		if want := []string{"id", "meta", "implicitRules", "language"}; !slices.Equal(names(found)[:4], want) {
			t.Errorf("%s begins with %v", name, names(found)[:4])
		}
	}
	if count != 146 {
		t.Errorf("%d resource types, R4 has 146", count)
	}
	for _, name := range []string{"", "patient", "HumanName", "Extension", "PatientContact", "Element"} {
		if _, ok := fhirjson.Resource(name); ok {
			t.Errorf("%q is a resource type", name)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{
		"id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "identifier",
		"active", "name", "telecom", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime", "address", "maritalStatus",
		"multipleBirthBoolean", "multipleBirthInteger", "photo", "contact", "communication", "generalPractitioner",
		"managingOrganization", "link",
	}, names(resource(t, "Patient"))); diff != "" {
		t.Error(diff)
	}
	// Neither is a DomainResource.
	if diff := cmp.Diff([]string{"id", "meta", "implicitRules", "language", "parameter"}, names(resource(t, "Parameters"))); diff != "" {
		t.Error(diff)
	}
	if slices.Contains(names(resource(t, "Bundle")), "contained") {
		t.Error("a Bundle contains resources")
	}
	if diff := cmp.Diff([]string{"id", "extension"}, names(fhirjson.ElementType())); diff != "" {
		t.Error(diff)
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]fhirjson.Element{
		"Patient.id":                                  {Kind: fhirjson.StringElement, Bare: true},
		"Patient.text.div":                            {Kind: fhirjson.XHTMLElement, Bare: true},
		"Patient.text.status":                         {Kind: fhirjson.StringElement}, // a code, an integer in Go
		"Patient.contained":                           {Kind: fhirjson.ResourceElement, List: true},
		"Patient.extension.url":                       {Kind: fhirjson.StringElement, Bare: true},
		"Patient.identifier.id":                       {Kind: fhirjson.StringElement, Bare: true},
		"Patient.active":                              {Kind: fhirjson.BooleanElement},
		"Patient.name":                                {Kind: fhirjson.ComplexElement, List: true},
		"Patient.name.given":                          {Kind: fhirjson.StringElement, List: true},
		"Patient.gender":                              {Kind: fhirjson.StringElement},
		"Patient.multipleBirthInteger":                {Kind: fhirjson.IntegerElement, Choice: "multipleBirth"},
		"Appointment.participant.required":            {Kind: fhirjson.StringElement},
		"HealthcareService.availableTime.daysOfWeek":  {Kind: fhirjson.StringElement, List: true}, // a list of codes
		"Bundle.total":                                {Kind: fhirjson.IntegerElement},
		"Bundle.entry.resource":                       {Kind: fhirjson.ResourceElement},
		"Bundle.entry.response.outcome":               {Kind: fhirjson.ResourceElement},
		"Bundle.entry.search.score":                   {Kind: fhirjson.DecimalElement},
		"Parameters.parameter.resource":               {Kind: fhirjson.ResourceElement},
		"Parameters.parameter.valueDecimal":           {Kind: fhirjson.DecimalElement, Choice: "value"},
		"Questionnaire.url":                           {Kind: fhirjson.StringElement}, // url is bare in Extension only
		"Observation.component.valueSampledData.data": {Kind: fhirjson.StringElement},
	} {
		got := at(t, path)
		if got.Kind != want.Kind || got.List != want.List || got.Bare != want.Bare || got.Choice != want.Choice {
			t.Errorf("%s is %+v, want %+v", path, *got, want)
		}
		if (got.Type() != nil) != (want.Kind == fhirjson.ComplexElement) {
			t.Errorf("%s is of type %v", path, got.Type())
		}
	}
}

// Types contain themselves, by datatype, backbone element and contentReference.
func TestRecursion(t *testing.T) {
	t.Parallel()
	for _, paths := range [][2]string{
		{"Parameters.parameter", "Parameters.parameter.part"},
		{"Parameters.parameter", "Parameters.parameter.part.part.part"},
		{"Patient.extension", "Patient.extension.extension"},
		{"Bundle.link", "Bundle.entry.link"},
		{"Questionnaire.item", "Questionnaire.item.item.item"},
		{"ValueSet.compose.include", "ValueSet.compose.exclude"},
		{"Patient.identifier.assigner", "Patient.identifier.assigner.identifier.assigner"},
	} {
		if one, other := at(t, paths[0]).Type(), at(t, paths[1]).Type(); one == nil || one != other {
			t.Errorf("%s is a %v, %s a %v", paths[0], one, paths[1], other)
		}
	}
}

// every calls visit for every type that any resource reaches.
func every(t *testing.T, visit func(*fhirjson.Type)) {
	t.Helper()
	seen := make(map[*fhirjson.Type]bool)
	var walk func(*fhirjson.Type)
	walk = func(of *fhirjson.Type) {
		if seen[of] {
			return
		}
		seen[of] = true
		visit(of)
		for i := range of.Elements {
			if inner := of.Elements[i].Type(); inner != nil {
				walk(inner)
			}
		}
	}
	for code := models.ResourceType(0); code.Code() != "<unknown>"; code++ {
		if of, ok := fhirjson.Resource(code.Code()); ok {
			walk(of)
		}
	}
	if len(seen) < 600 {
		t.Errorf("only %d types", len(seen))
	}
}

// What the rest of the code takes for granted of every type.
func TestEveryType(t *testing.T) {
	t.Parallel()
	every(t, func(of *fhirjson.Type) {
		list := names(of)
		if list[0] != "id" || !of.Elements[0].Bare {
			t.Errorf("%s has no id first", of.Name)
		}
		if !of.IsResource && list[1] != "extension" {
			t.Errorf("%s has no extension", of.Name)
		}
		// A resource has contained if it has a narrative; a text alone is none.
		text := slices.Index(list, "text")
		narrated := text >= 0 && of.Elements[text].Type() != nil
		contains := slices.Contains(list, "contained")
		if contains != (of.IsResource && narrated) || contains && list[text+1] != "contained" {
			t.Errorf("%s has the elements %v", of.Name, list)
		}
		for i := range of.Elements {
			e := &of.Elements[i]
			if index, ok := of.Index(e.Name); !ok || index != i {
				t.Errorf("%s.%s stands at %d and is found at %d", of.Name, e.Name, i, index)
			}
			if !goodName(e.Name) {
				t.Errorf("%s has an element %q", of.Name, e.Name)
			}
			if e.List && e.Choice != "" {
				t.Errorf("%s.%s repeats and is a choice", of.Name, e.Name)
			}
			if (e.Name == "div") != (e.Kind == fhirjson.XHTMLElement) {
				t.Errorf("%s.%s is of kind %d", of.Name, e.Name, e.Kind)
			}
		}
	})
}

func goodName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// Types are made while others ask for the same: with the race detector on, this
// test fails if that is not safe. All get the same type.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const users = 16
	found := make([]*fhirjson.Type, users)
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			medication, _ := fhirjson.Resource("MedicationKnowledge") // no other test uses it before
			for j := range medication.Elements {
				_ = medication.Elements[j].Type()
			}
			found[i] = medication
		})
	}
	group.Wait()
	for _, other := range found {
		if other == nil || other != found[0] {
			t.Fatal("users got different types")
		}
	}
}
