// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// properFault fails unless err can be shown to a client.
func properFault(t *testing.T, err error) {
	t.Helper()
	var fault *fhirjson.Fault
	if !errors.As(err, &fault) || !strings.HasSuffix(fault.Reason, ".") || len(fault.Reason) > 1000 || len(fault.Expression) > 5000 {
		t.Errorf("not a proper fault: %#v", err)
	}
}

// FuzzParse: what is read from XML is FHIR, can be stored as JSON, and comes back
// the same from the XML that we write of it, which others can read.
func FuzzParse(f *testing.F) {
	golden, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(golden) == 0 {
		f.Fatal(golden, err)
	}
	for _, name := range golden {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{
		"\ufeff<?xml version='1.0' encoding=\"utf-8\"?><!-- x -->" + patient(`<id value="a"/>`),
		patient("<f:id xmlns:f='http://hl7.org/fhir' value='a\r\nb&#xA;&lt;'/><!-- x --><![CDATA[ ]]>"),
		patient(`<text><status value="empty"/><x:div a='"' xml:lang="da"><x:br></x:br><![CDATA[<]]>&#13;<!-- - --><x:p/></x:div></text>`),
		patient(`<text><div xmlns="http://www.w3.org/1999/xhtml" xmlns:p="urn:p"><p xmlns=""/></div></text>`),
		patient(`<name><given value="a"/><given id="b"><extension url="u"/></given><given value="c" id="d"/></name>`),
		patient(`<active id="a" value="false"/><multipleBirthInteger value="-0"/><deceasedDateTime><extension url="u"><valueDecimal value="1.10e-7"/></extension></deceasedDateTime>`),
		patient(`<contained><Parameters><parameter><resource><Patient/></resource></parameter></Parameters></contained>`),
		patient(strings.Repeat(`<extension url="u">`, 31) + `<valueMeta><tag><code value="x"/></tag></valueMeta>` + strings.Repeat(`</extension>`, 31)),
		`<!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir"/>`,
		`<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:a="b"/>`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := fhirxml.Parse(text)
		if err != nil {
			properFault(t, err)
			return
		}
		if faults := fhirjson.Check(v); len(faults) > 0 {
			t.Errorf("%s is read, but has faults: %v", text, faults)
		}
		stored, err := fhirjson.Parse(v.AppendJSON(nil))
		if diff := unlike(v, stored); err != nil || diff != "" {
			t.Errorf("%s is changed by storing it: %v\n%s", text, err, diff)
		}
		for _, encoder := range []fhirxml.Encoder{{}, {Pretty: true}} {
			written := encode(t, encoder, v)
			wellFormed(t, written)
			again, err := fhirxml.Parse([]byte(written))
			if diff := unlike(v, again); err != nil || diff != "" {
				t.Errorf("%s does not come back: %v\n%s", written, err, diff)
			}
		}
	})
}

// FuzzEncode: a resource is written whole or not at all.
func FuzzEncode(f *testing.F) {
	for _, text := range resources(f) {
		f.Add([]byte(text))
	}
	for _, text := range []string{
		`{"resourceType":"Parameters","parameter":[{"name":"","part":[{}],"_name":{}}]}`,
		`{"resourceType":"Parameters","parameter":[{"valueMeta":{"profile":["a",null],"_profile":[null,{"id":"b"}]}}]}`,
		`{"resourceType":"Parameters","parameter":[{"valueMeta":{"profile":["a"],"_profile":[null]}}]}`,
		`{"resourceType":"Parameters","parameter":[{"valueString":"\u0000\ud83d\ude00\r\n\t<&>\"'","valueCode":"x"}]}`,
		`{"resourceType":"Parameters","parameter":[{"resource":{"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns='http://www.w3.org/1999/xhtml'><br/>&amp;\r</div>"}}}]}`,
		`{"resourceType":"Parameters","parameter":[{"resource":{"resourceType":"Patient","text":{"div":"<a:div xmlns:a='http://www.w3.org/1999/xhtml' b=\"\r\n\"><![CDATA[]]]]><![CDATA[>]]></a:div>"}}}]}`,
		`{"resourceType":"Parameters","parameter":[` + strings.Repeat(`{"part":[`, 30) + `{"name":"x"}` + strings.Repeat(`]}`, 30) + `]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := fhirjson.Parse(text)
		if err != nil {
			t.Skip("not JSON")
		}
		written, err := fhirxml.Encoder{Pretty: len(text)%2 == 0}.AppendResource([]byte("x"), v)
		if err != nil {
			properFault(t, err)
			if string(written) != "x" {
				t.Errorf("%s leaves %s", text, written)
			}
			return
		}
		wellFormed(t, string(written[1:]))
		// XML that is read has nothing empty in it: put something there.
		filled := fill(v)
		if faults := fhirjson.Check(filled); len(faults) > 0 {
			if fault := fhirjson.CheckShape(filled); fault != nil {
				t.Errorf("%s is written as %s, but has a fault: %v", text, written, fault)
			}
			return
		}
		again, err := fhirxml.Parse([]byte(encode(t, fhirxml.Encoder{}, filled)))
		if err != nil {
			t.Fatalf("%s is written as %s and then refused: %v", text, written, err)
		}
		if diff := unlike(meaning(t, filled), meaning(t, again)); diff != "" {
			t.Errorf("%s is written as %s:\n%s", text, written, diff)
		}
	})
}

// fill returns v with something in its empty strings and objects.
func fill(v fhirjson.Value) fhirjson.Value {
	something := fhirjson.Value{Kind: fhirjson.String, Text: "∅"}
	switch v.Kind {
	case fhirjson.String:
		if v.Text == "" {
			return something
		}
	case fhirjson.Array:
		items := make([]fhirjson.Value, 0, len(v.Items))
		for i := range v.Items {
			items = append(items, fill(v.Items[i]))
		}
		v.Items = items
	case fhirjson.Object:
		members := make([]fhirjson.Member, 0, len(v.Members))
		vacant := true
		for _, m := range v.Members {
			members = append(members, fhirjson.Member{Name: m.Name, Value: fill(m.Value)})
			vacant = vacant && empty(m.Value)
		}
		if vacant {
			members = append(members, fhirjson.Member{Name: "id", Value: something})
		}
		v.Members = members
	default:
	}
	return v
}
