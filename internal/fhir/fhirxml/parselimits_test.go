// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

func TestParseDepth(t *testing.T) {
	t.Parallel()
	extensions := func(n int) string {
		return patient(strings.Repeat(`<extension url="u">`, n) + `<valueCode value="x"/>` + strings.Repeat(`</extension>`, n))
	}
	divs := func(n int) string {
		return patient(`<text><status value="empty"/>` + strings.Repeat(`<x:div>`, n) + strings.Repeat(`</x:div>`, n) + `</text>`)
	}
	resources := func(n int) string {
		return strings.Repeat(`<Parameters xmlns="http://hl7.org/fhir"><parameter><resource>`, n) + `<Patient/>` + strings.Repeat(`</resource></parameter></Parameters>`, n)
	}
	meta := func(n int, content string) string {
		return patient(strings.Repeat(`<extension url="u">`, n) + `<valueMeta>` + content + `</valueMeta>` + strings.Repeat(`</extension>`, n))
	}
	for text, fine := range map[string]bool{
		extensions(31):                           true, // 1 and 31 times array and object: 63
		extensions(32):                           false,
		extensions(1 << 15):                      false,
		divs(64):                                 true,
		divs(65):                                 false,
		divs(1 << 15):                            false,
		resources(21):                            true, // 3 each and 1
		resources(22):                            false,
		meta(31, `<versionId value="x"/>`):       true, // in an object 64 deep
		meta(31, `<tag><code value="x"/></tag>`): false,
		meta(31, `<profile value="x"/>`):         false, // an array
		meta(31, `<versionId id="i" value="x"/>`):                            false, // an object _versionId
		meta(30, `<versionId id="i" value="x"/>`):                            true,
		meta(30, `<versionId value="x"><extension url="u"/></versionId>`):    false, // an object, an array and an object
		meta(29, `<versionId value="x"><extension url="u"/></versionId>`):    true,
		meta(30, `<profile id="i" value="x"/>`):                              true,
		meta(30, `<profile id="i" value="x"><extension url="u"/></profile>`): false,
	} {
		v, err := fhirxml.Parse([]byte(text))
		if (err == nil) != fine || !fine && !strings.Contains(err.Error(), "64 deep") {
			t.Errorf("%.100s… (%d bytes): %v", text, len(text), err)
		}
		// What we read can be stored as JSON and read again.
		if err == nil {
			if _, err := fhirjson.Parse(v.AppendJSON(nil)); err != nil {
				t.Errorf("%.100s…: %v", text, err)
			}
		}
	}
}

// A megabyte of anything is dealt with in time that grows with its length. All
// take less than a tenth of a second; the limit leaves room for the race detector
// on a busy machine, and none for loops in loops.
func TestParseIsLinear(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	fill := func(before, repeated, after string) string {
		return before + strings.Repeat(repeated, size/len(repeated)) + after
	}
	unique := func(before, one, after string) string { // %% is another name each time
		var text strings.Builder
		for i := 0; text.Len() < size; i++ {
			text.WriteString(strings.ReplaceAll(one, "%%", "a"+strconv.Itoa(i)))
		}
		return before + text.String() + after
	}
	open := strings.TrimSuffix(patient(""), "</Patient>")
	div := open + `<text><div xmlns="http://www.w3.org/1999/xhtml">`
	const divEnd = `</div></text></Patient>`
	const parameters = `<Parameters xmlns="http://hl7.org/fhir">`
	for name, text := range map[string]string{
		"empty elements":    fill(parameters, `<parameter/>`, `</Parameters>`),
		"elements":          fill(parameters, `<parameter><name value="a"/></parameter>`, `</Parameters>`),
		"values":            fill(open+`<name>`, `<given value="a"/>`, `</name></Patient>`),
		"one value":         fill(open+`<id value="`, "a\n", `"/></Patient>`),
		"references":        fill(open+`<id value="`, `&#65;`, `"/></Patient>`),
		"bad at the end":    fill(open+`<id value="`, `&amp;`, `&a;"/></Patient>`),
		"comments":          fill(parameters, `<!---->`, `</Parameters>`),
		"one comment":       fill(parameters+`<!--`, `- `, `--></Parameters>`),
		"white space":       fill(parameters, "\n", `</Parameters>`),
		"start tags":        fill("", `<parameter>`, ``),
		"unclosed":          fill(parameters, `<parameter><part>`, ``),
		"openings":          fill("", `<`, ``),
		"document type":     fill(`<!DOCTYPE a [`, `<!ENTITY a "b">`, ``),
		"declaration":       fill(`<?xml version="1.0"`, ` `, ``),
		"same attribute":    fill(`<Patient xmlns="http://hl7.org/fhir"`, ` a=""`, `/>`),
		"attributes":        unique(`<Patient xmlns="http://hl7.org/fhir"`, ` %%=""`, `/>`),
		"namespaces":        unique(`<Patient xmlns="http://hl7.org/fhir"`, ` xmlns:%%="u"`, `/>`),
		"elements of div":   fill(div, `<p>a</p>`, divEnd),
		"namespaces in div": unique(div, `<%%:p xmlns:%%="http://www.w3.org/1999/xhtml"/>`, divEnd),
		"names in div":      fill(div, `<br class='a'/>`, divEnd),
	} {
		begin := time.Now()
		v, err := fhirxml.Parse([]byte(text))
		took := time.Since(begin)
		if took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		t.Logf("%-18s %4d ms, %v", name, took.Milliseconds(), err)
		if err == nil {
			if _, err := (fhirxml.Encoder{Pretty: true}).AppendResource(nil, v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// An element costs far more memory than the text it is written in.
func TestParseStopsAtManyElements(t *testing.T) {
	t.Parallel()
	list := func(elements int) []byte {
		return []byte(`<Parameters xmlns="http://hl7.org/fhir">` + strings.Repeat(`<parameter><name value="x"/></parameter>`, elements/2) + `</Parameters>`)
	}
	if _, err := fhirxml.Parse(list(fhirjson.MaxValues)); err != nil {
		t.Error(err)
	}
	if _, err := fhirxml.Parse(list(fhirjson.MaxValues + 2)); err == nil {
		t.Error("no end of elements")
	}
}

func TestParseAs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<?xml version="1.0"?><!-- x --><f:Whatever xmlns:f="http://hl7.org/fhir"><`: "Whatever",
		`<Patient xmlns="http://hl7.org/fhir"/>`:                                     "Patient",
		`<Patient/>`:                                                                 "",
		`<Patient xmlns="http://x.example"/>`:                                        "",
		`</Patient>`:                                                                 "",
		`x`:                                                                          "",
		``:                                                                           "",
	} {
		_, err := fhirxml.ParseAs([]byte(text), "Parameters")
		if other, ok := errors.AsType[*fhirxml.WrongRoot](err); ok != (want != "") || ok && other.Name != want || err == nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Attributes take memory as well, whether or not they mean anything.
func TestParseStopsAtManyAttributes(t *testing.T) {
	t.Parallel()
	list := func(declarations int) []byte {
		var text strings.Builder
		text.WriteString(`<Patient xmlns="http://hl7.org/fhir"`)
		for i := range declarations {
			fmt.Fprintf(&text, ` xmlns:a%d="u"`, i)
		}
		return []byte(text.String() + `/>`)
	}
	if _, err := fhirxml.Parse(list(63)); err != nil {
		t.Error(err)
	}
	if _, err := fhirxml.Parse(list(64)); err == nil {
		t.Error("no end of attributes")
	}
}
