// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/api"
	"reporting/internal/fhir/fhirjson"
)

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"resourceType":"Parameters"}`,
		`{"parameter":[],"resourceType":"Parameters"}`, // empty arrays are for JavaScript
		`{"resourceType":"Patient","multipleBirthInteger":-2,"birthDate":"not checked","gender":"not checked"}`,
		`{"resourceType":"Patient","text":{"status":"empty","div":"not checked"},"contained":[{"resourceType":"Organization"}]}`,
		`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"unknown"}]}}`,
		`{"resourceType":"Patient","birthDate":"2000","_birthDate":{"id":"a"}}`,
		`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u"}]}]}]}`,
		`{"resourceType":"Patient","name":[{"_given":[{"extension":[{"url":"u"}]}]}]}`,
		`{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[null,null]}]}`, // says nothing, but not wrongly
		`{"resourceType":"Patient","name":[{"given":["a"],"_given":[]}]}`,
		`{"resourceType":"Patient","deceasedBoolean":true,"_deceasedBoolean":{"id":"a"}}`,
		`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"},"search":{"score":1e400}}]}`,
		`{"resourceType":"Task","instantiatesCanonical":"a","instantiatesUri":"b"}`,
		`{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","part":[{"name":"c","valueBoolean":false}]}]}]}`,
		`{"resourceType":"Questionnaire","item":[{"item":[{"linkId":"1","text":"x"}]}]}`,
	} {
		if faults := fhirjson.Check(parse(t, text)); len(faults) > 0 {
			t.Errorf("%s has faults: %v", text, faults)
		}
	}
	for _, name := range []string{api.StatusDone, api.StatusFailed, api.StatusEmpty} {
		text, err := api.Example(name)
		if err != nil {
			t.Fatal(err)
		}
		if faults := fhirjson.Check(parse(t, text)); len(faults) > 0 {
			t.Errorf("%s has faults: %v", name, faults)
		}
	}
}

func TestCheckFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, expression, reason string }{
		{`[]`, "", "A resource is an object, but this is an array."},
		{`null`, "", "A resource is an object, but this is null."},
		{`{}`, "", "The resource has no resourceType."},
		{`{"resourceType":7}`, "", "The resourceType is a string, but here it is a number."},
		{`{"resourceType":"patient"}`, "", `"patient" is no resource type of FHIR R4.`},
		{`{"resourceType":"DomainResource"}`, "", `"DomainResource" is no resource type of FHIR R4.`},
		{`{"resourceType":"Patient","nam":"x"}`, "Patient.nam", `There is no element "nam" here in FHIR R4.`},
		{`{"resourceType":"Patient","Name":[]}`, "Patient.Name", `There is no element "Name" here in FHIR R4.`},
		{`{"resourceType":"Patient","":1}`, "Patient", `There is no element "" here in FHIR R4.`},
		{`{"resourceType":"Patient","_":{}}`, "Patient._", `There is no element "_" here in FHIR R4.`},
		{`{"resourceType":"Patient","__birthDate":{}}`, "Patient.__birthDate", `There is no element "__birthDate" here in FHIR R4.`},
		{`{"resourceType":"Patient","value[x]":1}`, "Patient", `There is no element "value[x]" here in FHIR R4.`},
		{`{"resourceType":"Patient","` + strings.Repeat("a", 64) + `":1}`, "Patient." + strings.Repeat("a", 64), `There is no element "` + strings.Repeat("a", 64) + `" here in FHIR R4.`},
		{`{"resourceType":"Patient","` + strings.Repeat("a", 65) + `":1}`, "Patient", `There is no element "` + strings.Repeat("a", 64) + `"… here in FHIR R4.`},
		{`{"resourceType":"Patient","a\n<b>":1}`, "Patient", `There is no element "a\n<b>" here in FHIR R4.`},
		{`{"resourceType":"Parameters","parameter":[{"name":"a","value":"x"}]}`, "Parameters.parameter[0].value", `There is no element "value" here in FHIR R4.`},
		{`{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}`, "Patient.name[0].resourceType", `There is no element "resourceType" here in FHIR R4.`},
		{`{"resourceType":"Bundle","contained":[]}`, "Bundle.contained", `There is no element "contained" here in FHIR R4.`},

		{`{"resourceType":"Patient","birthDate":2000}`, "Patient.birthDate", "The value must be a string, not a number."},
		{`{"resourceType":"Patient","active":"true"}`, "Patient.active", "The value must be a boolean, not a string."},
		{`{"resourceType":"Patient","multipleBirthInteger":"2"}`, "Patient.multipleBirth", "The value must be a number, not a string."},
		{`{"resourceType":"Patient","multipleBirthInteger":2.0}`, "Patient.multipleBirth", "The value must be a whole number, without fraction and exponent."},
		{`{"resourceType":"Patient","multipleBirthInteger":2e0}`, "Patient.multipleBirth", "The value must be a whole number, without fraction and exponent."},
		{`{"resourceType":"Patient","maritalStatus":"M"}`, "Patient.maritalStatus", "The value must be an object, not a string."},
		{`{"resourceType":"Patient","name":["x"]}`, "Patient.name[0]", "The value must be an object, not a string."},
		{`{"resourceType":"Patient","name":[{"given":["x",{}]}]}`, "Patient.name[0].given[1]", "The value must be a string, not an object."},
		{`{"resourceType":"Patient","name":[{"given":[["x"]]}]}`, "Patient.name[0].given[0]", "The value must be a string, not an array."},
		{`{"resourceType":"Patient","name":{"family":"x"}}`, "Patient.name", "The element is a list: an array must stand here, not an object."},
		{`{"resourceType":"Patient","name":[{"given":"x"}]}`, "Patient.name[0].given", "The element is a list: an array must stand here, not a string."},
		{`{"resourceType":"Patient","name":null}`, "Patient.name", "The element is a list: an array must stand here, not null."},
		{`{"resourceType":"Patient","birthDate":["2000"]}`, "Patient.birthDate", "The element does not repeat, but has an array here."},
		{`{"resourceType":"Patient","birthDate":[]}`, "Patient.birthDate", "The element does not repeat, but has an array here."},
		{`{"resourceType":"Parameters","parameter":[{"name":"a","valueString":["x"]}]}`, "Parameters.parameter[0].value", "The element does not repeat, but has an array here."},

		{`{"resourceType":"Patient","birthDate":null}`, "Patient.birthDate", "FHIR knows null only where an array pairs with another: leave the element out."},
		{`{"resourceType":"Patient","birthDate":null,"_birthDate":{"extension":[{"url":"u"}]}}`, "Patient.birthDate", "FHIR knows null only where an array pairs with another: leave the element out."},
		{`{"resourceType":"Patient","name":[null]}`, "Patient.name[0]", "FHIR knows null only where an array pairs with another: leave the element out."},
		{`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, "Patient.name[0].given[1]", "FHIR knows null only where an array pairs with another: leave the element out."},
		{`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"x"},null]}]}`, "Patient.name[0].given[1]", "FHIR knows null only where an array pairs with another: leave the element out."},
		{`{"resourceType":"Patient","name":[{"_given":[null]}]}`, "Patient.name[0].given[0]", "There is neither a value nor anything that belongs to it."},
		{`{"resourceType":"Patient","contained":[null]}`, "Patient.contained[0]", "FHIR knows null only where an array pairs with another: leave the element out."},

		{`{"resourceType":"Patient","birthDate":""}`, "Patient.birthDate", "A string must not be empty: leave the element out."},
		{`{"resourceType":"Patient","id":""}`, "Patient.id", "A string must not be empty: leave the element out."},
		{`{"resourceType":"Patient","name":[{}]}`, "Patient.name[0]", "An object must not be empty: leave the element out."},
		{`{"resourceType":"Patient","name":[{"given":[]}]}`, "Patient.name[0]", "An object must not be empty: leave the element out."},
		{`{"resourceType":"Patient","birthDate":"2000","_birthDate":{}}`, "Patient.birthDate", "An object must not be empty: leave the element out."},

		{`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2000"}`, "Patient.deceased", "Only one of deceased[x] may be there, but both deceasedBoolean and deceasedDateTime are."},
		{`{"resourceType":"Patient","deceasedDateTime":"2000","_deceasedBoolean":{"extension":[{"url":"u"}]}}`, "Patient.deceased", "Only one of deceased[x] may be there, but both deceasedDateTime and deceasedBoolean are."},
		{`{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","valueUuid":"x","valueBase64Binary":"y"}]}]}`, "Parameters.parameter[0].part[0].value", "Only one of value[x] may be there, but both valueUuid and valueBase64Binary are."},

		{`{"resourceType":"Patient","_name":[]}`, "Patient._name", `There is no element "_name" here in FHIR R4.`},
		{`{"resourceType":"Patient","_id":{"id":"a"}}`, "Patient._id", `There is no element "_id" here in FHIR R4.`},
		{`{"resourceType":"Patient","_contained":[]}`, "Patient._contained", `There is no element "_contained" here in FHIR R4.`},
		{`{"resourceType":"Patient","_resourceType":{}}`, "Patient._resourceType", `There is no element "_resourceType" here in FHIR R4.`},
		{`{"resourceType":"Patient","extension":[{"url":"u","_url":{"id":"a"}}]}`, "Patient.extension[0]._url", `There is no element "_url" here in FHIR R4.`},
		{`{"resourceType":"Patient","text":{"status":"empty","div":"x","_div":{"id":"a"}}}`, "Patient.text._div", `There is no element "_div" here in FHIR R4.`},
		{`{"resourceType":"Patient","_birthDate":[]}`, "Patient.birthDate", "The member _birthDate must be an object, not an array."},
		{`{"resourceType":"Patient","_birthDate":null}`, "Patient.birthDate", "The member _birthDate must be an object, not null."},
		{`{"resourceType":"Patient","_birthDate":{"id":"a"}}`, "Patient.birthDate", "There is neither a value nor an extension in its place."},
		{`{"resourceType":"Patient","_birthDate":{"value":"a"}}`, "Patient.birthDate.value", `There is no element "value" here in FHIR R4.`},
		{`{"resourceType":"Patient","birthDate":"2000","_birthDate":{"extension":[{"ur":"u"}]}}`, "Patient.birthDate.extension[0].ur", `There is no element "ur" here in FHIR R4.`},
		{`{"resourceType":"Patient","name":[{"given":["a"],"_given":{"id":"x"}}]}`, "Patient.name[0].given", "The member _given must be an array, not an object."},
		{`{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"x"}]}]}`, "Patient.name[0].given", "The arrays given and _given must be of the same length."},
		{`{"resourceType":"Patient","name":[{"given":["a"],"_given":["x"]}]}`, "Patient.name[0].given[0]", "An item of _given must be an object or null, not a string."},

		{`{"resourceType":"Patient","contained":[{"resourceType":"Patient","nam":1}]}`, "Patient.contained[0].nam", `There is no element "nam" here in FHIR R4.`},
		{`{"resourceType":"Patient","contained":[{"resourceType":"Bundl"}]}`, "Patient.contained[0]", `"Bundl" is no resource type of FHIR R4.`},
		{`{"resourceType":"Bundle","entry":[{},{"resource":{}}]}`, "Bundle.entry[0]", "An object must not be empty: leave the element out."},
		{`{"resourceType":"Bundle","entry":[{"resource":{}}]}`, "Bundle.entry[0].resource", "The resource has no resourceType."},
		{`{"resourceType":"Bundle","entry":[{"resource":"x"}]}`, "Bundle.entry[0].resource", "The value must be an object, not a string."},
		{`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Parameters","parameter":[{"valueInteger":1.5}]}}]}`, "Bundle.entry[0].resource.parameter[0].value", "The value must be a whole number, without fraction and exponent."},
	} {
		faults := fhirjson.Check(parse(t, tt.text))
		if len(faults) == 0 {
			t.Errorf("%s is accepted", tt.text)
			continue
		}
		if diff := cmp.Diff(fhirjson.Fault{Expression: tt.expression, Reason: tt.reason}, faults[0]); diff != "" {
			t.Errorf("%s:\n%s", tt.text, diff)
		}
		again := "Patient.name[0].given[1]" // two faults of one cause would read as two
		if tt.expression == again && len(faults) > 1 {
			t.Errorf("%s has %v", tt.text, faults)
		}
	}
}

func TestCheckTellsAllInOrder(t *testing.T) {
	t.Parallel()
	faults := fhirjson.Check(parse(t, `{"b":1,"resourceType":"Patient","name":[{"x":1},{}],"active":1,"a":1}`))
	var got []string
	for _, fault := range faults {
		got = append(got, fault.Expression)
	}
	if diff := cmp.Diff([]string{"Patient.b", "Patient.name[0].x", "Patient.name[1]", "Patient.active", "Patient.a"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckStopsAtTwenty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"resourceType":"Patient","name":[` + strings.Repeat(`{},`, 40_000) + `{}]}`,
		`{"resourceType":"Patient","name":[{"given":[` + strings.Repeat(`7,`, 40_000) + `7]}]}`,
		`{"resourceType":"Patient","name":[{"_given":[` + strings.Repeat(`null,`, 40_000) + `7]}]}`,
	} {
		if faults := fhirjson.Check(parse(t, text)); len(faults) != 20 {
			t.Errorf("%.60s… has %d faults", text, len(faults))
		}
	}
	var members strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&members, `,"x%d":1`, i)
	}
	if faults := fhirjson.Check(parse(t, `{"resourceType":"Patient"`+members.String()+`}`)); len(faults) != 20 {
		t.Errorf("%d faults", len(faults))
	}
}

// Values that no text can become, but a program can make.
func TestCheckHandMadeValues(t *testing.T) {
	t.Parallel()
	text := func(s string) fhirjson.Value { return fhirjson.Value{Kind: fhirjson.String, Text: s} }
	object := func(members ...fhirjson.Member) fhirjson.Value {
		return fhirjson.Value{Kind: fhirjson.Object, Members: append([]fhirjson.Member{{Name: "resourceType", Value: text("Patient")}}, members...)}
	}
	for _, tt := range []struct {
		value      fhirjson.Value
		expression string
	}{
		{object(fhirjson.Member{Name: "id", Value: text("a")}, fhirjson.Member{Name: "id", Value: text("b")}), "Patient.id"},
		{object(fhirjson.Member{Name: "resourceType", Value: text("Patient")}), "Patient"},
		{object(fhirjson.Member{Name: "multipleBirthInteger", Value: fhirjson.Value{Kind: fhirjson.Number, Text: "two"}}), "Patient.multipleBirth"},
		{object(fhirjson.Member{Name: "active", Value: fhirjson.Value{Kind: fhirjson.Bool, Text: "yes"}}), "Patient.active"},
		{object(fhirjson.Member{Name: "extension", Value: fhirjson.Value{Kind: fhirjson.Array, Items: []fhirjson.Value{{
			Kind:    fhirjson.Object,
			Members: []fhirjson.Member{{Name: "valueDecimal", Value: fhirjson.Value{Kind: fhirjson.Number, Text: "two"}}},
		}}}}), "Patient.extension[0].value"},
		{object(fhirjson.Member{Name: "active", Value: fhirjson.Value{Kind: 77}}), "Patient.active"},
	} {
		faults := fhirjson.Check(tt.value)
		if len(faults) != 1 || faults[0].Expression != tt.expression {
			t.Errorf("%+v has faults %v", tt.value, faults)
		}
	}
}

// What is empty may be shown, since it says nothing wrong. All else may not.
func TestCheckShape(t *testing.T) {
	t.Parallel()
	for text, fine := range map[string]bool{
		`{"resourceType":"Patient","birthDate":""}`:         true,
		`{"resourceType":"Patient","name":[{}]}`:            true,
		`{"resourceType":"Patient","_birthDate":{"id":""}}`: true,
		`{"resourceType":"Patient","birthDate":null}`:       false,
		`{"resourceType":"Patient","x":1,"y":2}`:            false,
		`{}`:                                                false,
	} {
		err := fhirjson.CheckShape(parse(t, text))
		var fault *fhirjson.Fault
		if (err == nil) != fine || !fine && !errors.As(err, &fault) {
			t.Errorf("%s: %v", text, err)
		}
	}
	entry := at(t, "Bundle.entry")
	if err := entry.CheckShape(fhirjson.Root("Bundle.entry"), parse(t, `{"fullUrl":"","resource":{"resourceType":"Patient"}}`)); err != nil {
		t.Error(err)
	}
	for text, expression := range map[string]string{
		`{"resource":{"resourceType":"Patient","x":1}}`: "Bundle.entry.resource.x",
		`[]`:   "Bundle.entry",
		`null`: "Bundle.entry",
	} {
		var fault *fhirjson.Fault
		if err := entry.CheckShape(fhirjson.Root("Bundle.entry"), parse(t, text)); !errors.As(err, &fault) || fault.Expression != expression {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFaultIsAnError(t *testing.T) {
	t.Parallel()
	if got := (&fhirjson.Fault{Reason: "Oh."}).Error(); got != "Oh." {
		t.Error(got)
	}
	if got := (&fhirjson.Fault{Expression: "Patient.name", Reason: "Oh."}).Error(); got != "Patient.name: Oh." {
		t.Error(got)
	}
}
