// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"testing"

	"reporting/internal/fhir/fhirxml"
)

// patient wraps content in a Patient, with the prefixes that tests use.
func patient(content string) string {
	return `<Patient xmlns="http://hl7.org/fhir" xmlns:x="http://www.w3.org/1999/xhtml" xmlns:o="urn:other">` + content + `</Patient>`
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	const want = `{"resourceType":"Patient","id":"a"}`
	const root = `<Patient xmlns="http://hl7.org/fhir"><id value="a"/></Patient>`
	for _, text := range []string{
		root,
		"\ufeff" + root,
		`<?xml version="1.0"?>` + root,
		`<?xml version='1.0' encoding='utf-8' standalone='yes' ?>` + "\r\n" + root + "\n",
		"\ufeff<?xml\n version = \"1.0\"\t encoding = \"UTF-8\"?>" + root,
		"<!-- a -->\n" + root + "<!-- b --> ",
		`<Patient xmlns='http://hl7.org/fhir' ><id value = 'a' ></id ><!-- c --></Patient >`,
		`<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="a"/></f:Patient>`,
		`<Patient xmlns="http://hl7.org/fhir"><g:id xmlns:g="http://hl7.org/fhir" value="a"/></Patient>`,
		`<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x y"><id xsi:type="z" value="a"/></Patient>`,
		"<Patient xmlns=\"http://hl7.org/fhir\">\r\n\t <id\nvalue=\"a\"\n/><![CDATA[ \n]]>&#32;</Patient>", // white space, whatever way it is written
		`<Patient xmlns="http://hl7.org/fhir"><id value="&#x61;"/></Patient>`,
		`<Patient xmlns="http://hl7.org/fhir" xmlns:xml="http://www.w3.org/XML/1998/namespace"><id value="a"/></Patient>`,
	} {
		v, err := fhirxml.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := string(v.AppendJSON(nil)); got != want {
			t.Errorf("%s is read as %s", text, got)
		}
	}
}

// Readers normalise attributes (XML 1.0, section 3.3.3) and line ends (2.11).
func TestParseWhiteSpaceInValues(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"a\nb":                 `a b`,
		"a\r\nb":               `a b`, // one line end, one space
		"a\n\nb\t":             `a  b `,
		"a&#10;b&#xD;&#x9;":    `a\nb\r\t`,
		"&quot;\n&#10;&apos;":  `\" \n'`,
		"&#13;\n":              `\r `,
		"a' >b":                `a' >b`,
		"  a  ":                `  a  `,
		"&#x10FFFF;&#65536;\n": "\U0010ffff\U00010000 ",
	} {
		v, err := fhirxml.Parse([]byte(patient(`<language id="l` + "\n" + `m" value="` + written + `"/>`)))
		if err != nil {
			t.Errorf("%q: %v", written, err)
			continue
		}
		if got := string(v.AppendJSON(nil)); got != `{"resourceType":"Patient","language":"`+want+`","_language":{"id":"l m"}}` {
			t.Errorf("%q is read as %s", written, got)
		}
	}
}

// What belongs to primitive values of a list stands in a second array, and null
// fills the gaps in both (FHIR json.html, section 2.6.2.3).
func TestParsePairsArrays(t *testing.T) {
	t.Parallel()
	const extension = `<extension url="u"/>`
	for given, want := range map[string]string{
		`<given value="a"/><given value="b"/>`:                         `"given":["a","b"]`,
		`<given value="a"/><given id="i" value="b"/>`:                  `"given":["a","b"],"_given":[null,{"id":"i"}]`,
		`<given>` + extension + `</given><given value="b"/>`:           `"given":[null,"b"],"_given":[{"extension":[{"url":"u"}]},null]`,
		`<given>` + extension + `</given>`:                             `"given":[null],"_given":[{"extension":[{"url":"u"}]}]`, // HAPI does not read the second alone
		`<family>` + extension + `</family>`:                           `"_family":{"extension":[{"url":"u"}]}`,
		`<family value="a" id="i"/><given value="b"/><use value="c"/>`: `"use":"c","family":"a","_family":{"id":"i"},"given":["b"]`,
	} {
		v, err := fhirxml.Parse([]byte(patient(`<name>` + given + `</name>`)))
		if err != nil {
			t.Errorf("%s: %v", given, err)
		} else if got := string(v.AppendJSON(nil)); got != `{"resourceType":"Patient","name":[{`+want+`}]}` {
			t.Errorf("%s is read as %s", given, got)
		}
	}
}
