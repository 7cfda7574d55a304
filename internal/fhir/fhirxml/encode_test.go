// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// Nothing is ever dropped: what XML cannot say is a fault.
func TestEncodeNeverDrops(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, expression, reason string }{
		{`{}`, "", "The resource has no resourceType."},
		{`[]`, "", "A resource is an object"},
		{`{"resourceType":"Patien"}`, "", `"Patien" is no resource type`},
		{`{"resourceType":"Patient","nam":1}`, "Patient.nam", "There is no element"},
		{`{"resourceType":"Patient","nam":[]}`, "Patient.nam", "There is no element"}, // empty, but who knows of what
		{`{"resourceType":"Patient","fhir_comments":["x"]}`, "Patient.fhir_comments", "There is no element"},
		{`{"resourceType":"Patient","_name":[null]}`, "Patient._name", "There is no element"},
		{`{"resourceType":"Patient","_id":{"id":"a"}}`, "Patient._id", "There is no element"},
		{`{"resourceType":"Patient","identifier":[{"id":"a","_id":{"id":"b"}}]}`, "Patient.identifier[0]._id", "There is no element"},
		{`{"resourceType":"Patient","extension":[{"url":"a","_url":{"id":"b"}}]}`, "Patient.extension[0]._url", "There is no element"},
		{`{"resourceType":"Patient","active":"true"}`, "Patient.active", "The value must be a boolean"},
		{`{"resourceType":"Patient","birthDate":2000}`, "Patient.birthDate", "The value must be a string"},
		{`{"resourceType":"Patient","multipleBirthInteger":1.0}`, "Patient.multipleBirth", "The value must be a whole number"},
		{`{"resourceType":"Patient","birthDate":null}`, "Patient.birthDate", "FHIR knows null only"},
		{`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, "Patient.name[0].given[1]", "FHIR knows null only"},
		{`{"resourceType":"Patient","name":{"family":"x"}}`, "Patient.name", "The element is a list"},
		{`{"resourceType":"Patient","birthDate":["x"]}`, "Patient.birthDate", "The element does not repeat"},
		{`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"x"}`, "Patient.deceased", "Only one of deceased[x]"},
		{`{"resourceType":"Patient","birthDate":"x","_birthDate":{}}`, "Patient.birthDate", "XML cannot say that _birthDate is an empty object."},
		{`{"resourceType":"Patient","birthDate":"x","_birthDate":{"extension":[]}}`, "Patient.birthDate", "XML cannot say that _birthDate is an empty object."},
		{`{"resourceType":"Patient","name":[{"given":["x","y"],"_given":[null,{}]}]}`, "Patient.name[0].given[1]", "XML cannot say that _given is an empty object."},
		{`{"resourceType":"Patient","name":[{"given":["x"],"_given":[{"id":"y"},{"id":"z"}]}]}`, "Patient.name[0].given", "The arrays given and _given"},
		{`{"resourceType":"Patient","id":"a\u0000"}`, "Patient.id", "The text holds the character U+0000, which XML does not have."},
		{`{"resourceType":"Patient","name":[{"given":["a","\u001f"]}]}`, "Patient.name[0].given[1]", "The text holds the character U+001F"},
		{`{"resourceType":"Patient","name":[{"id":"\u000b"}]}`, "Patient.name[0].id", "The text holds the character U+000B"},
		{`{"resourceType":"Patient","birthDate":"x","_birthDate":{"id":"\ufffe"}}`, "Patient.birthDate", "The text holds the character U+FFFE"},
		{`{"resourceType":"Patient","extension":[{"url":"\uffff"}]}`, "Patient.extension[0].url", "The text holds the character U+FFFF"},
		{`{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"\u0001"}]}`, "Patient.contained[0].id", "The text holds the character U+0001"},
		{`{"resourceType":"Patient","contained":[{"resourceType":"Patient","x":1}]}`, "Patient.contained[0].x", "There is no element"},
		{`{"resourceType":"Patient","text":{"status":"empty","div":""}}`, "Patient.text.div", "The text is not well-formed XML"},
		{`{"resourceType":"Patient","text":{"status":"empty","div":"x"}}`, "Patient.text.div", "The text is not well-formed XML"},
	} {
		before := []byte("before")
		got, err := fhirxml.Encoder{}.AppendResource(before, tree(t, tt.text))
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) {
			t.Errorf("%s is accepted: %s", tt.text, got)
			continue
		}
		if fault.Expression != tt.expression || !strings.HasPrefix(fault.Reason, tt.reason) {
			t.Errorf("%s: %v", tt.text, fault)
		}
		if string(got) != "before" {
			t.Errorf("%s leaves %q", tt.text, got)
		}
	}
}

// No text can become these, but a program can make them.
func TestEncodeHandMadeValues(t *testing.T) {
	t.Parallel()
	text := func(s string) fhirjson.Value { return fhirjson.Value{Kind: fhirjson.String, Text: s} }
	for _, members := range [][]fhirjson.Member{
		{{Name: "id", Value: text("a")}, {Name: "id", Value: text("b")}},
		{{Name: "resourceType", Value: text("Person")}},
		{{Name: "id", Value: text("a\xff")}},
		{{Name: "multipleBirthInteger", Value: fhirjson.Value{Kind: fhirjson.Number, Text: `1" x="2`}}},
		{{Name: "active", Value: fhirjson.Value{Kind: fhirjson.Bool, Text: "yes"}}},
	} {
		v := fhirjson.Value{Kind: fhirjson.Object, Members: append([]fhirjson.Member{{Name: "resourceType", Value: text("Patient")}}, members...)}
		if got, err := (fhirxml.Encoder{}).AppendResource(nil, v); err == nil {
			t.Errorf("%+v is accepted: %s", members, got)
		}
	}
}

// Stored empty values are shown unchanged.
func TestEncodeWhatIsEmpty(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"resourceType":"Patient"}`:                                           `<Patient xmlns="http://hl7.org/fhir"/>`,
		`{"resourceType":"Patient","birthDate":""}`:                            `<Patient xmlns="http://hl7.org/fhir"><birthDate value=""/></Patient>`,
		`{"resourceType":"Patient","name":[]}`:                                 `<Patient xmlns="http://hl7.org/fhir"/>`,
		`{"resourceType":"Patient","name":[{}]}`:                               `<Patient xmlns="http://hl7.org/fhir"><name/></Patient>`,
		`{"resourceType":"Patient","name":[{"id":"","given":["a",""]}]}`:       `<Patient xmlns="http://hl7.org/fhir"><name id=""><given value="a"/><given value=""/></name></Patient>`,
		`{"resourceType":"Patient","name":[{"given":["a"],"_given":[null]}]}`:  `<Patient xmlns="http://hl7.org/fhir"><name><given value="a"/></name></Patient>`,
		`{"resourceType":"Patient","_birthDate":{"id":"a"}}`:                   `<Patient xmlns="http://hl7.org/fhir"><birthDate id="a"/></Patient>`,
		`{"resourceType":"Patient","_birthDate":{"id":"a","extension":[]}}`:    `<Patient xmlns="http://hl7.org/fhir"><birthDate id="a"/></Patient>`,
		`{"resourceType":"Patient","contained":[{"resourceType":"Patient"}]}`:  `<Patient xmlns="http://hl7.org/fhir"><contained><Patient/></contained></Patient>`,
		`{"resourceType":"Patient","extension":[{"url":"","valueString":""}]}`: `<Patient xmlns="http://hl7.org/fhir"><extension url=""><valueString value=""/></extension></Patient>`,
	} {
		if got := encode(t, fhirxml.Encoder{}, tree(t, text)); got != want {
			t.Errorf("%s is written\n%s, want\n%s", text, got, want)
		}
	}
}

// A Bundle that leaves entry by entry is the Bundle that leaves whole.
func TestStreaming(t *testing.T) {
	t.Parallel()
	bundle := tree(t, `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"a","resource":{"resourceType":"Patient","active":true}},
		{"fullUrl":"b","link":[{"relation":"self","url":"c"}]}]}`)
	kind, _ := bundle.Get("type")
	entries, _ := bundle.Get("entry")
	for _, encoder := range []fhirxml.Encoder{{}, {Pretty: true}} {
		text := []byte(`<Bundle xmlns="http://hl7.org/fhir">`)
		var err error
		if text, err = encoder.AppendElement(text, "Bundle.type", kind, 1); err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries.Items {
			if text, err = encoder.AppendElement(text, "Bundle.entry", entry, 1); err != nil {
				t.Fatal(err)
			}
		}
		if encoder.Pretty {
			text = append(text, '\n')
		}
		text = append(text, `</Bundle>`...)
		if diff := cmp.Diff(encode(t, encoder, bundle), string(text)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAppendElement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ path, item, want string }{
		{"Patient.name", `{"id":"a","family":"b"}`, `<name id="a"><family value="b"/></name>`},
		{"Patient.name.given", `"a"`, `<given value="a"/>`},
		{"Patient.id", `"a"`, `<id value="a"/>`},
		{"Patient.contained", `{"resourceType":"Patient"}`, `<contained><Patient/></contained>`},
		{"Patient.text.div", `"<div xmlns='http://www.w3.org/1999/xhtml'/>"`, `<div xmlns="http://www.w3.org/1999/xhtml"></div>`},
		{"Parameters.parameter.part.part.valueDecimal", `1.10`, `<valueDecimal value="1.10"/>`},
	} {
		got, err := fhirxml.Encoder{}.AppendElement(nil, tt.path, tree(t, tt.item), 1)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s %s is written %s, %v", tt.path, tt.item, got, err)
		}
	}
	for _, tt := range []struct{ path, item, expression string }{
		{"", `"a"`, ""},
		{"Patient", `{"resourceType":"Patient"}`, "Patient"},
		{"Patient.", `"a"`, "Patient."},
		{"Patien.id", `"a"`, "Patien.id"},
		{"Patient.nam", `"a"`, "Patient.nam"},
		{"Patient.id.id", `"a"`, "Patient.id.id"},
		{"Patient.contained.id", `"a"`, "Patient.contained.id"}, // of which resource?
		{"Patient.name.id", `"a"`, "Patient.name.id"},           // an attribute
		{"Patient.extension.url", `"a"`, "Patient.extension.url"},
		{"Patient.deceased", `true`, "Patient.deceased"},
		{"Patient.name", `[{"family":"a"}]`, "Patient.name"}, // an item, not the list
		{"Patient.name", `null`, "Patient.name"},
		{"Bundle.entry", `{"resource":{"resourceType":"Patient","x":1}}`, "Bundle.entry.resource.x"},
	} {
		got, err := fhirxml.Encoder{}.AppendElement([]byte("x"), tt.path, tree(t, tt.item), 1)
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) || fault.Expression != tt.expression || fault.Reason == "" || string(got) != "x" {
			t.Errorf("%s %s is written %s, %v", tt.path, tt.item, got, err)
		}
	}
}
