// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"errors"
	"strings"
	"testing"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

func TestParseFaults(t *testing.T) {
	t.Parallel()
	const start = `<Patient xmlns="http://hl7.org/fhir">`
	const notWellFormed = "The text is not well-formed XML"
	for _, tt := range []struct{ text, expression, reason string }{
		// Not XML at all, or not all of it.
		{``, "", notWellFormed + " in line 1: there is no element"},
		{` <!-- x --> `, "", notWellFormed + " in line 1: there is no element"},
		{`{"resourceType":"Patient"}`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{start, "", notWellFormed + " in line 1: unexpected end"},
		{start + "\n<id value=\"a\"/>\n", "", notWellFormed + " in line 3: unexpected end"},
		{start + `<id value="`, "", notWellFormed + " in line 1: unexpected end"},
		{start + `<!-- `, "", notWellFormed + " in line 1: unexpected end"},
		{start + `<![CDATA[ `, "", notWellFormed + " in line 1: unexpected end"},
		{start + `</patient>`, "", notWellFormed + " in line 1: an end tag does not match"},
		{start + `<id></Patient></id>`, "", notWellFormed + " in line 1: an end tag does not match"},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:p="http://hl7.org/fhir"></p:Patient>`, "", notWellFormed + " in line 1: an end tag does not match"},
		{`</Patient>`, "", notWellFormed + " in line 1: an end tag does not match"},
		{start + `</Patient>` + start + `</Patient>`, "", notWellFormed + " in line 1: there is a second root element"},
		{start + `</Patient>x`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{start + `</Patient></Patient>`, "", notWellFormed + " in line 1: an end tag does not match"},
		{start + `</Patient><![CDATA[ ]]>`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{start + `</Patient>&#32;`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{`&#32;` + start + `</Patient>`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{"\ufeff\ufeff" + start + `</Patient>`, "", notWellFormed + " in line 1: text stands outside of the root element"},
		{start + `</Patient><`, "", notWellFormed},
		{start + `<id value=a/></Patient>`, "", notWellFormed},
		{start + `<id value/></Patient>`, "", notWellFormed},
		{start + `<id value="<"/></Patient>`, "", notWellFormed},
		{start + `<id value="&"/></Patient>`, "", notWellFormed},
		{start + `<id value="&amp"/></Patient>`, "", notWellFormed},
		{start + `]]></Patient>`, "", notWellFormed},
		{start + `<!-- a -- b --></Patient>`, "", notWellFormed},
		{start + `<!-- a ---></Patient>`, "", notWellFormed},
		{start + `<1d value="a"/></Patient>`, "", notWellFormed},
		{start + `< id value="a"/></Patient>`, "", notWellFormed},
		{start + `<id value="a"/ ></Patient>`, "", notWellFormed},
		{start + `<name id="a"use="b"/></Patient>`, "", notWellFormed + " in line 1: attributes are not set apart"}, // encoding/xml does not mind
		{start + `<id value="a" value="a"/></Patient>`, "", notWellFormed + ` in line 1: the attribute "value" stands twice in one element`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns="http://hl7.org/fhir"/>`, "", notWellFormed + ` in line 1: the attribute "xmlns" stands twice in one element`},
		{start + `<id xmlns:p="urn:p" xmlns:q="urn:p" p:b="" q:b="" value="a"/></Patient>`, "", notWellFormed + ` in line 1: the attribute "b" stands twice in one element`},

		// Namespaces.
		{`<Patient/>`, "", `The element "Patient" is not in the namespace http://hl7.org/fhir.`},
		{`<Patient xmlns="http://hl7.org/fhir/"/>`, "", `The element "Patient" is not in the namespace http://hl7.org/fhir.`},
		{`<f:Patient/>`, "", notWellFormed + ` in line 1: the prefix of the element "Patient" is not declared`},
		{`<xmlns:Patient/>`, "", notWellFormed + ` in line 1: the prefix of the element "Patient" is not declared`},
		{`<:Patient xmlns="http://hl7.org/fhir"/>`, "", notWellFormed + ` in line 1: an element has no proper name`},
		{`<Patient xmlns="http://hl7.org/fhir" :a="b"/>`, "", notWellFormed + ` in line 1: an attribute has no proper name`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:="b"/>`, "", notWellFormed + ` in line 1: an attribute has no proper name`},
		{`<a:b:Patient xmlns:a="http://hl7.org/fhir"/>`, "", notWellFormed},
		{`<Patient xmlns="http://hl7.org/fhir" p:a="b"/>`, "", notWellFormed + ` in line 1: the prefix of the attribute "a" is not declared`},
		{patient(`<p:id xmlns:p="http://hl7.org/fhir" value="a"/><p:active value="true"/>`), "", notWellFormed + ` in line 1: the prefix of the element "active" is not declared`}, // only within the id
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:p=""/>`, "", notWellFormed + ` in line 1: a namespace is declared that must not be`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:xml="urn:x"/>`, "", notWellFormed + ` in line 1: a namespace is declared that must not be`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:xmlns="urn:x"/>`, "", notWellFormed + ` in line 1: a namespace is declared that must not be`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, "", notWellFormed + ` in line 1: a namespace is declared that must not be`},
		{`<Patient xmlns="http://hl7.org/fhir" xmlns:p="http://www.w3.org/2000/xmlns/"/>`, "", notWellFormed + ` in line 1: a namespace is declared that must not be`},
		{patient(`<name o:id="a"/>`), "Patient.name[0]", `There is no attribute "id" here in FHIR XML.`},
		{patient(`<o:id value="a"/>`), "Patient.id", `The element "id" is not in the namespace http://hl7.org/fhir.`},
		{patient(`<id xmlns="" value="a"/>`), "Patient.id", `The element "id" is not in the namespace http://hl7.org/fhir.`},
		{patient(`<id o:value="a"/>`), "Patient.id", `There is no attribute "value" here in FHIR XML.`},
		{patient(`<contained><o:Patient/></contained>`), "Patient.contained[0]", `The element "Patient" is not in the namespace http://hl7.org/fhir.`},

		// Characters and encodings.
		{start + "<id value=\"\xff\"/></Patient>", "", `The text is not UTF-8, at byte 48.`},
		{"\xff\xfe<\x00P\x00", "", `The text is not UTF-8, at byte 0.`},
		{start + "<id value=\"\x00\"/></Patient>", "", `The text holds the character U+0000, which XML does not have, at byte 48.`},
		{start + "<!-- \x01 --></Patient>", "", `The text holds the character U+0001, which XML does not have, at byte 42.`}, // encoding/xml does not look into comments
		{start + "<id value=\"\uffff\"/></Patient>", "", `The text holds the character U+FFFF, which XML does not have, at byte 48.`},
		{start + `<id value="&#0;"/></Patient>`, "", notWellFormed},
		{start + `<id value="&#x1F;"/></Patient>`, "", notWellFormed},
		{start + `<id value="&#xD800;"/></Patient>`, "", notWellFormed + ` in line 1: a character reference names no character of XML`}, // U+FFFD to encoding/xml
		{start + `<id value="&#56320;"/></Patient>`, "", notWellFormed + ` in line 1: a character reference names no character of XML`},
		{start + `<id value="&#x110000;"/></Patient>`, "", notWellFormed},
		{start + `<id value="&#99999999999999999999;"/></Patient>`, "", notWellFormed},
		{start + `<id value="&#X41;"/></Patient>`, "", notWellFormed},
		{`<?xml version="1.1"?>` + start + `</Patient>`, "", `Only XML 1.0 is accepted.`},
		{`<?xml version="1.0" encoding="ISO-8859-1"?>` + start + `</Patient>`, "", `Only XML in UTF-8 is accepted.`},
		{`<?xml version="1.0" encoding="UTF-16"?>` + start + `</Patient>`, "", `Only XML in UTF-8 is accepted.`},
		{`<?xml encoding="UTF-8"?>` + start + `</Patient>`, "", `The text is not well-formed XML: its declaration is not complete.`},
		{`<?xml version="1.0" encoding="UTF-8" encoding="UTF-7"?>` + start + `</Patient>`, "", `The text is not well-formed XML: its declaration is not complete.`},
		{`<?xml version="1.0"encoding="UTF-8"?>` + start + `</Patient>`, "", `The text is not well-formed XML: its declaration is not complete.`},
		{`<?xml version="1.0"`, "", `The text is not well-formed XML: its declaration is not complete.`},
		{` <?xml version="1.0"?>` + start + `</Patient>`, "", `A processing instruction is not accepted in FHIR XML.`},
		{`<?xml version="1.0"?><?xml version="1.0"?>` + start + `</Patient>`, "", `A processing instruction is not accepted in FHIR XML.`},
		{`<?xml-stylesheet href="x"?>` + start + `</Patient>`, "", `A processing instruction is not accepted in FHIR XML.`},

		// Documents with a life of their own.
		{`<!DOCTYPE Patient [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + start + `<id value="&b;"/></Patient>`, "", `A document type or another declaration is not accepted in FHIR XML.`},
		{`<!DOCTYPE Patient SYSTEM "file:///etc/passwd">` + start + `</Patient>`, "", `A document type or another declaration is not accepted in FHIR XML.`},
		{`<!DOCTYPE Patient [<!ENTITY % p SYSTEM "http://127.0.0.1/"> %p;]>` + start + `</Patient>`, "", `A document type or another declaration is not accepted in FHIR XML.`},
		{start + `<!DOCTYPE Patient></Patient>`, "", `A document type or another declaration is not accepted in FHIR XML.`},
		{start + `<id value="&nbsp;"/></Patient>`, "", notWellFormed + ` in line 1: the entity "nbsp" is not known`},
		{start + `&external;</Patient>`, "", notWellFormed + ` in line 1: the entity "external" is not known`},
		{start + `<?php echo 1 ?></Patient>`, "", `A processing instruction is not accepted in FHIR XML.`},
		{start + `</Patient><?x?>`, "", `A processing instruction is not accepted in FHIR XML.`},

		// XML, but not FHIR.
		{`<html xmlns="http://hl7.org/fhir"/>`, "", `"html" is no resource type of FHIR R4.`},
		{`<DomainResource xmlns="http://hl7.org/fhir"/>`, "", `"DomainResource" is no resource type of FHIR R4.`},
		{`<Patient xmlns="http://hl7.org/fhir" id="a"/>`, "Patient", `There is no attribute "id" here in FHIR XML.`}, // of resources it is an element
		{`<Patient xmlns="http://hl7.org/fhir" value="a"/>`, "Patient", `There is no attribute "value" here in FHIR XML.`},
		{`<Patient xmlns="http://hl7.org/fhir" xml:lang="da"/>`, "Patient", `There is no attribute "lang" here in FHIR XML.`},
		{patient(`x`), "Patient", `Text must not stand here: FHIR XML has values in attributes.`},
		{patient(`<![CDATA[x]]>`), "Patient", `Text must not stand here: FHIR XML has values in attributes.`},
		{patient("\u00a0"), "Patient", `Text must not stand here: FHIR XML has values in attributes.`}, // white space, but not XML's
		{patient(`<id value="a">a</id>`), "Patient.id", `Text must not stand here: FHIR XML has values in attributes.`},
		{patient(`<nam value="a"/>`), "Patient.nam", `There is no element "nam" here in FHIR R4.`},
		{patient(`<_birthDate/>`), "Patient._birthDate", `There is no element "_birthDate" here in FHIR R4.`},
		{patient(`<resourceType value="Patient"/>`), "Patient.resourceType", `There is no element "resourceType" here in FHIR R4.`},
		{patient(`<deceased value="a"/>`), "Patient.deceased", `There is no element "deceased" here in FHIR R4.`},
		{patient(`<a.b-c/>`), "Patient", `There is no element "a.b-c" here in FHIR R4.`}, // no FHIRPath
		{patient(`<name><given value="x"/><x/></name>`), "Patient.name[0].x", `There is no element "x" here in FHIR R4.`},
		{patient(`<name/>`), "Patient.name[0]", `An element must not be empty: leave it out.`},
		{patient(`<name> <!-- x --> </name>`), "Patient.name[0]", `An element must not be empty: leave it out.`},
		{patient(`<name id=""/>`), "Patient.name[0].id", `An attribute must not be empty: leave it out.`},
		{patient(`<name id="a" url="b"/>`), "Patient.name[0]", `There is no attribute "url" here in FHIR XML.`},
		{patient(`<name value="a"/>`), "Patient.name[0]", `There is no attribute "value" here in FHIR XML.`},
		{patient(`<name><id value="a"/></name>`), "Patient.name[0].id", `"id" is an attribute here in FHIR XML, not an element.`},
		{patient(`<extension><url value="a"/></extension>`), "Patient.extension[0].url", `"url" is an attribute here in FHIR XML, not an element.`},
		{patient(`<extension url=""/>`), "Patient.extension[0].url", `An attribute must not be empty: leave it out.`},
		{patient(`<id id="a" value="b"/>`), "Patient.id", `The element can have neither an id nor extensions.`},
		{patient(`<id value="b"><extension url="a"/></id>`), "Patient.id", `The element can have neither an id nor extensions.`},
		{patient(`<birthDate/>`), "Patient.birthDate", `The element has neither a value nor an extension in its place.`},
		{patient(`<birthDate id="a"/>`), "Patient.birthDate", `The element has neither a value nor an extension in its place.`},
		{patient(`<birthDate value=""/>`), "Patient.birthDate", `An attribute must not be empty: leave it out.`},
		{patient(`<birthDate value=""><extension url="a"/></birthDate>`), "Patient.birthDate", `An attribute must not be empty: leave it out.`},
		{patient(`<birthDate value="2000" id=""/>`), "Patient.birthDate", `An attribute must not be empty: leave it out.`},
		{patient(`<birthDate value="2000" url="a"/>`), "Patient.birthDate", `There is no attribute "url" here in FHIR XML.`},
		{patient(`<birthDate value="2000" x:value="1"/>`), "Patient.birthDate", `There is no attribute "value" here in FHIR XML.`},
		{patient(`<birthDate value="2000"><value/></birthDate>`), "Patient.birthDate.value", `There is no element "value" here in FHIR R4.`},
		{patient(`<birthDate value="2000"/><birthDate value="2000"/>`), "Patient.birthDate", `The element does not repeat, but stands here twice.`},
		{patient(`<birthDate value="2000"/><active value="true"/><birthDate><extension url="a"/></birthDate>`), "Patient.birthDate", `The element does not repeat, but stands here twice.`},
		{patient(`<deceasedBoolean value="true"/><deceasedDateTime value="2000"/>`), "Patient.deceased", `Only one of deceased[x] may be there, but both deceasedBoolean and deceasedDateTime are.`},
		{patient(`<deceasedBoolean value="true"/><deceasedBoolean value="true"/>`), "Patient.deceased", `The element does not repeat, but stands here twice.`},
		{patient(`<active value="1"/>`), "Patient.active", `The value must be true or false.`},
		{patient(`<active value=" true"/>`), "Patient.active", `The value must be true or false.`},
		{patient(`<multipleBirthInteger value="1.0"/>`), "Patient.multipleBirth", `The value must be a whole number, without fraction and exponent.`},
		{patient(`<multipleBirthInteger value="+1"/>`), "Patient.multipleBirth", `The value must be a whole number, without fraction and exponent.`},
		{patient(`<multipleBirthInteger value="1 "/>`), "Patient.multipleBirth", `The value must be a whole number, without fraction and exponent.`},
		{patient(`<extension url="a"><valueDecimal value="1,5"/></extension>`), "Patient.extension[0].value", `The value must be a decimal number such as 1.50 or -2e3.`},
		{patient(`<extension url="a"><valueDecimal value="NaN"/></extension>`), "Patient.extension[0].value", `The value must be a decimal number such as 1.50 or -2e3.`},
		{patient(`<extension url="a"><valueDecimal value=".5"/></extension>`), "Patient.extension[0].value", `The value must be a decimal number such as 1.50 or -2e3.`},
		{patient(`<name><given value="a"/><given value="b"><extension url="u"/><extension/></given></name>`), "Patient.name[0].given[1].extension[1]", `An element must not be empty: leave it out.`},

		// Resources in resources.
		{patient(`<contained/>`), "Patient.contained[0]", `There must be a resource in this element.`},
		{patient(`<contained><Patient/><Patient/></contained>`), "Patient.contained[0]", `There must be only one resource in this element.`},
		{patient(`<contained><Patient/></contained><contained>x</contained>`), "Patient.contained[1]", `Text must not stand here: FHIR XML has values in attributes.`},
		{patient(`<contained id="a"><Patient/></contained>`), "Patient.contained[0]", `There is no attribute "id" here in FHIR XML.`},
		{patient(`<contained><HumanName/></contained>`), "Patient.contained[0]", `"HumanName" is no resource type of FHIR R4.`},
		{patient(`<contained><Patient><nam/></Patient></contained>`), "Patient.contained[0].nam", `There is no element "nam" here in FHIR R4.`},
		{`<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Parameters><parameter><valueInteger value="x"/></parameter></Parameters></resource></entry></Bundle>`, "Bundle.entry[0].resource.parameter[0].value", `The value must be a whole number, without fraction and exponent.`},
	} {
		v, err := fhirxml.Parse([]byte(tt.text))
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) {
			t.Errorf("%s is accepted as %s: %v", tt.text, v.AppendJSON(nil), err)
			continue
		}
		if fault.Expression != tt.expression || !strings.HasPrefix(fault.Reason, tt.reason) {
			t.Errorf("%s:\ngot  %q: %s\nwant %q: %s", tt.text, fault.Expression, fault.Reason, tt.expression, tt.reason)
		}
		for _, word := range []string{"xml:", "json:", "XML syntax error", "fhirjson", "xml.", "strconv"} {
			if strings.Contains(fault.Reason, word) {
				t.Errorf("%s is told by a library: %s", tt.text, fault.Reason)
			}
		}
	}
}
