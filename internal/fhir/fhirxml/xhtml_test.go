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

const (
	xhtml = ` xmlns="http://www.w3.org/1999/xhtml"`
	div   = `<div` + xhtml + `>`
)

// writeDiv writes a narrative as XML.
func writeDiv(div string) (string, error) {
	v := fhirjson.Value{Kind: fhirjson.String, Text: div}
	text, err := fhirxml.Encoder{Pretty: true}.AppendElement(nil, "Patient.text.div", v, 0)
	return string(text), err
}

func TestDiv(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ written, want string }{
		{div + `</div>`, div + `</div>`},
		{`<div` + xhtml + `/>`, div + `</div>`},
		{" \r\n" + div + "x</div>\n", div + `x</div>`}, // around it there is no content
		{div + `  a  <b> c</b>` + "\n\t" + `</div>`, div + `  a  <b> c</b>` + "\n\t" + `</div>`},
		{"<div\n id = 'a'\t" + xhtml + " class='x \"y\"'></div\n>", `<div` + xhtml + ` id="a" class="x &quot;y&quot;"></div>`},
		{div + `<p/><td></td><br></br><hr/><img src='a'/></div>`, div + `<p></p><td></td><br/><hr/><img src="a"/></div>`},
		{div + `<br>x</br><br> </br><br><![CDATA[]]></br></div>`, div + `<br>x</br><br> </br><br/></div>`}, // odd, but not ours to mend
		{div + `&lt;&gt;&amp;&quot;&apos;&#xe6;&#233;></div>`, div + `&lt;&gt;&amp;"'æé&gt;</div>`},
		{div + `<![CDATA[<b>&amp;]]]]><![CDATA[>]]></div>`, div + `&lt;b&gt;&amp;amp;]]&gt;</div>`},
		{div + `<![CDATA[&#xD800;&nbsp;]]></div>`, div + `&amp;#xD800;&amp;nbsp;</div>`}, // no references in there
		{div + "a\r\nb\rc&#13;d&#10;e</div>", div + "a\nb\nc&#xD;d\ne</div>"},
		{div + "<a title=\"a\r\nb\tc&#13;&#10;&#9;d\">x</a></div>", div + `<a title="a b c&#xD;&#xA;&#x9;d">x</a></div>`},
		{div + "<!-- a\r\n<b> & -->x<!----></div>", div + "<!-- a\n<b> & -->x<!----></div>"},
		{`<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>x</h:p></h:div>`, div + `<p>x</p></div>`},
		{div + `<p` + xhtml + `>x</p></div>`, div + `<p>x</p></div>`},
		{div + `<h:p xmlns:h="http://www.w3.org/1999/xhtml" xmlns="">x</h:p></div>`, div + `<p>x</p></div>`},
		{`<div` + xhtml + ` xmlns:unused="urn:x" xml:lang="da" lang="da"></div>`, `<div` + xhtml + ` xml:lang="da" lang="da"></div>`},
		{div + `<DIV>😀` + "\u0085\u2028\ufffd" + `</DIV></div>`, div + `<DIV>😀` + "\u0085\u2028\ufffd" + `</DIV></div>`},
	} {
		got, err := writeDiv(tt.written)
		if err != nil {
			t.Errorf("%s: %v", tt.written, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.written, diff)
		}
		if diff := cmp.Diff(markup(t, tt.written), markup(t, got)); diff != "" {
			t.Errorf("%s is another narrative:\n%s", tt.written, diff)
		}
		if again, err := writeDiv(got); err != nil || again != got {
			t.Errorf("%s is written again as %s, %v", got, again, err)
		}
	}
}

func TestDivFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<div></div>`: "A narrative is one div element in the namespace http://www.w3.org/1999/xhtml.",
		`<div xmlns="http://hl7.org/fhir"></div>`: "A narrative is one div element",
		`<p` + xhtml + `/>`:                       "A narrative is one div element",
		`<DIV` + xhtml + `/>`:                     "A narrative is one div element",
		`<!-- x -->` + div + `</div>`:             "A narrative is one div element", // the comment would be lost
		div + `</div><!-- x -->`:                  "A narrative has nothing beside its div element.",
		div + `</div>` + div + `</div>`:           "The text is not well-formed XML in line 1: there is a second root element.",
		div + `</div>x`:                           "The text is not well-formed XML in line 1: text stands outside of the root element.",
		`x` + div + `</div>`:                      "The text is not well-formed XML in line 1: text stands outside of the root element.",
		`<?xml version="1.0"?>` + div + `</div>`:  "A processing instruction is not accepted in FHIR XML.",
		div + `<?x?></div>`:                       "A processing instruction is not accepted in FHIR XML.",
		`<!DOCTYPE div>` + div + `</div>`:         "A document type or another declaration is not accepted in FHIR XML.",
		div:                                       "The text is not well-formed XML in line 1: unexpected end.",
		div + `<p></div>`:                         "The text is not well-formed XML in line 1: an end tag does not match.",
		div + "\n<p>a&nbsp;b</p></div>":           `The text is not well-formed XML in line 2: the entity "nbsp" is not known.`,
		div + `a & b</div>`:                       "The text is not well-formed XML in line 1: wrong syntax before byte",
		div + `a < b</div>`:                       "The text is not well-formed XML in line 1: wrong syntax before byte",
		div + `<br></div>`:                        "The text is not well-formed XML in line 1: an end tag does not match.",
		div + `<input checked/></div>`:            "The text is not well-formed XML in line 1: wrong syntax before byte",
		div + `<p id="a" id="b"/></div>`:          `The text is not well-formed XML in line 1: the attribute "id" stands twice in one element.`,
		div + `<p id="a"class="b"/></div>`:        "The text is not well-formed XML in line 1: attributes are not set apart.",
		// A name that is none once its prefix is gone; encoding/xml does not mind.
		`<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:8/></h:div>`:          `The text is not well-formed XML in line 1: an element has no proper name.`,
		div + `<p xml:8="a"/></div>`:                                            `The text is not well-formed XML in line 1: an attribute has no proper name.`,
		div + `<h:p/></div>`:                                                    `The text is not well-formed XML in line 1: the prefix of the element "p" is not declared.`,
		div + `<p h:a="b"/></div>`:                                              `The text is not well-formed XML in line 1: the prefix of the attribute "a" is not declared.`,
		div + `<p xmlns:h="urn:x" h:a="b"/></div>`:                              `The attribute "a" in a narrative is not XHTML.`,
		div + `<svg xmlns="http://www.w3.org/2000/svg"/></div>`:                 `The element "svg" in a narrative is not in the namespace http://www.w3.org/1999/xhtml.`,
		div + `<p xmlns="">x</p></div>`:                                         `The element "p" in a narrative is not in the namespace http://www.w3.org/1999/xhtml.`,
		div + "\x00</div>":                                                      "The text holds the character U+0000, which XML does not have, at byte 42.",
		div + "&#1;</div>":                                                      "The text is not well-formed XML",
		div + "&#xdfff;</div>":                                                  "The text is not well-formed XML in line 1: a character reference names no character of XML.",
		div + strings.Repeat("<b>", 64) + strings.Repeat("</b>", 64) + `</div>`: "Elements stand in each other more than 64 deep.",
	} {
		got, err := writeDiv(text)
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) || !strings.HasPrefix(fault.Reason, want) || fault.Expression != "Patient.text.div" {
			t.Errorf("%s is written %s, %v", text, got, err)
		}
	}
}

// A narrative may use prefixes that are declared around it.
func TestDivInItsSurroundings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<x:div><x:p a="b">c</x:p></x:div>`: `<div xmlns=\"http://www.w3.org/1999/xhtml\"><p a=\"b\">c</p></div>`,
		`<div` + xhtml + `>` + "\r\n</div>": `<div xmlns=\"http://www.w3.org/1999/xhtml\">\n</div>`,
	} {
		v, err := fhirxml.Parse([]byte(patient(`<text>` + text + `</text>`)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := string(v.AppendJSON(nil)); got != `{"resourceType":"Patient","text":{"div":"`+want+`"}}` {
			t.Errorf("%s is read as %s", text, got)
		}
	}
	for text, expression := range map[string]string{
		`<div>x</div>`:                            "Patient.text.div", // a FHIR element of that name is none
		`<x:div><p>x</p></x:div>`:                 "Patient.text.div",
		`<x:div><o:p/></x:div>`:                   "Patient.text.div",
		`<x:div o:a="b"/>`:                        "Patient.text.div",
		`<x:div/><x:div/>`:                        "Patient.text.div",
		`<x:div><x:p>&nbsp;</x:p></x:div>`:        "Patient.text.div",
		`<x:p/>`:                                  "Patient.text.p",
		`<x:status value="empty"/>`:               "Patient.text.status",
		`<status value="empty"><x:div/></status>`: "Patient.text.status.div",
	} {
		_, err := fhirxml.Parse([]byte(patient(`<text>` + text + `</text>`)))
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) || fault.Expression != expression {
			t.Errorf("%s: %v", text, err)
		}
	}
}
