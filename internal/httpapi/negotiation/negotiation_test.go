// SPDX-License-Identifier: Apache-2.0

package negotiation_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
)

const (
	fhirJSON = "application/fhir+json; charset=UTF-8"
	fhirXML  = "application/fhir+xml; charset=UTF-8"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accept string // lines, split at |
		query  string
		want   string // Content-Type
		err    error
	}{
		{"", "", fhirJSON, nil},
		{"*/*", "", fhirJSON, nil},
		{"application/*", "", fhirJSON, nil},
		{"application/fhir+json", "", fhirJSON, nil},
		{"  APPLICATION/FHIR+JSON ; q=1 ", "", fhirJSON, nil},
		{"application/fhir+json;q=1.0, application/json+fhir;q=0.9", "", fhirJSON, nil}, // HAPI asking for JSON
		{"image/png|application/fhir+json", "", fhirJSON, nil},                          // several lines are one list
		{"application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9, application/json+fhir;q=0.9", "", fhirJSON, nil}, // HAPI without an encoding
		{"application/fhir+xml, application/fhir+json", "", fhirJSON, nil},
		{"application/json", "", "application/json; charset=UTF-8", nil},
		{"text/json, application/fhir+json;q=0.5", "", "text/json; charset=UTF-8", nil},
		{"application/fhir+json;q=0.5, application/json;q=0.5", "", fhirJSON, nil},
		{"application/json+fhir", "", fhirJSON, nil},

		{"application/fhir+xml", "", fhirXML, nil},
		{"application/xml", "", "application/xml; charset=UTF-8", nil},
		{"text/xml", "", "text/xml; charset=UTF-8", nil},
		{"application/xml+fhir", "", fhirXML, nil},
		{"application/fhir+xml;q=1.0, application/xml+fhir;q=0.9", "", fhirXML, nil}, // HAPI asking for XML
		{"application/fhir+json;q=0.8, application/fhir+xml;q=0.9", "", fhirXML, nil},
		{"application/fhir+json;q=0.2, */*;q=0.1", "", fhirJSON, nil},
		{"*/*, application/fhir+json;q=0, application/json;q=0, text/json;q=0, application/json+fhir;q=0", "", fhirXML, nil}, // the most specific range counts
		{"text/*", "", "text/json; charset=UTF-8", nil},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", fhirJSON, nil}, // a browser
		{"text/html,application/xml;q=0.9", "", "application/xml; charset=UTF-8", nil},
		{"text/html,application/fhir+xml,*/*;q=0.8", "", fhirXML, nil},
		{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "", fhirJSON, nil}, // the JDK's own

		{"image/png", "", fhirJSON, negotiation.ErrAccept},
		{"application/fhir+json;q=0", "", fhirJSON, negotiation.ErrAccept},
		{"application/fhir+json;q=0.000", "", fhirJSON, negotiation.ErrAccept},
		{"*/*;q=0", "", fhirJSON, negotiation.ErrAccept},

		{"application/fhir+json; fhirVersion=4.0", "", fhirJSON, nil},
		{`application/fhir+xml; fhirVersion="4.0.1"`, "", fhirXML, nil},
		{"application/fhir+json; fhirVersion=3.0", "", fhirJSON, negotiation.ErrAccept},
		{"application/fhir+json; fhirVersion=5.0, application/fhir+xml; fhirVersion=4.0; q=0.1", "", fhirXML, nil},
		{"application/fhir+json; fhirVersion=5.0, */*;q=0.1", "", fhirJSON, nil},
		{"application/fhir+json;q=0.1, application/fhir+json; fhirVersion=4.0, application/fhir+xml;q=0.5", "", fhirJSON, nil},

		{"json", "", fhirJSON, nil},
		{";;", "", fhirJSON, nil},
		{",,,", "", fhirJSON, nil},
		{"*/json", "", fhirJSON, nil},
		{"/", "", fhirJSON, nil},
		{"json, application/fhir+xml", "", fhirXML, nil}, // only the nonsense is ignored
		{`application/fhir+xml;x="a,b";q=0.9, application/fhir+json;q=0.1`, "", fhirXML, nil}, // a comma within quotes ends nothing
		{`application/fhir+xml;x="a\",b`, "", fhirJSON, nil},
		{"application/fhir+xml;q=0;x, application/fhir+json;q=0.1", "", fhirJSON, nil}, // a range half read would be wanted most
		{"application/fhir+xml;q=abc", "", fhirXML, nil},
		{"application/fhir+xml;q=NaN", "", fhirXML, nil},
		{"application/fhir+xml;q=-1", "", fhirXML, nil},
		{"application/fhir+xml;q=7", "", fhirXML, nil},

		{"application/fhir+xml", "_format=json", fhirJSON, nil},
		{"application/fhir+json", "_format=xml", fhirXML, nil},
		{"image/png", "_format=XML", fhirXML, nil}, // the address is the stronger wish
		{"", "_format=application/fhir+xml", fhirXML, nil},
		{"", "_format=application/fhir%2Bxml", fhirXML, nil},
		{"", "_format=application%2Fjson%2Bfhir", fhirJSON, nil},
		{"", "_format=text/xml", "text/xml; charset=UTF-8", nil},
		{"", "_format=application/fhir+xml%3B+fhirVersion=4.0", fhirXML, nil},
		{"", "_format=application/fhir+xml%3BfhirVersion=3.0", fhirJSON, negotiation.ErrFormat},
		{"", "_format=foo", fhirJSON, negotiation.ErrFormat},
		{"", "_format=ttl", fhirJSON, negotiation.ErrFormat},
		{"", "_format=html/json", fhirJSON, negotiation.ErrFormat},
		{"application/fhir+xml", "_format=", fhirXML, nil},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := negotiation.Choose(strings.Split(c.accept, "|"), query)
		if got.ContentType() != c.want || !errors.Is(err, c.err) {
			t.Errorf("Accept %q, query %q: %q, %v; want %q, %v", c.accept, c.query, got.ContentType(), err, c.want, c.err)
		}
		if isXML := strings.Contains(c.want, "xml"); (got.Format == fhir.XML) != isXML {
			t.Errorf("Accept %q, query %q: labelled %s, written as %s", c.accept, c.query, c.want, got.Format)
		}
	}
}

func TestPretty(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"true": true, "TRUE": true, "false": false, "": false, "1": false} {
		if got, _ := negotiation.Choose(nil, url.Values{"_pretty": {value}}); got.Pretty != want {
			t.Errorf("_pretty=%s: %v", value, got.Pretty)
		}
	}
}

func TestZeroChoice(t *testing.T) {
	t.Parallel()
	if got := (negotiation.Choice{}).ContentType(); got != fhirJSON {
		t.Errorf("%q", got)
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"application/fhir+json":                              "json",
		"application/fhir+json; charset=UTF-8":               "json",
		`Application/FHIR+JSON;charset="utf-8";`:             "json",
		"application/json":                                   "json",
		"text/json; charset=utf8":                            "json",
		"application/json+fhir":                              "json",
		"application/fhir+json; fhirVersion=4.0":             "json",
		"application/fhir+xml; charset=utf-8":                "xml",
		"application/xml":                                    "xml",
		"text/xml":                                           "xml",
		"application/xml+fhir; fhirVersion=4.0.1":            "xml",
		"application/fhir+json; fhirVersion=3.0":             "",
		"application/fhir+json; charset=ISO-8859-1":          "",
		"application/fhir+json; charset=":                    "",
		"application/fhir+json; charset=utf-8; charset=utf8": "",
		"application/x-www-form-urlencoded":                  "",
		"multipart/form-data; boundary=x":                    "",
		"text/plain":                                         "",
		"application/octet-stream":                           "",
		"json":                                               "",
		"*/*":                                                "",
		";":                                                  "",
	} {
		got, err := negotiation.Body(label)
		if (want == "") != (err != nil) || (err == nil && got.String() != want) {
			t.Errorf("%s: %s, %v; want %q", label, got, err, want)
		}
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"":                                     false,
		"handling=strict":                      true,
		"Handling = \"Strict\"":                true,
		"return=minimal, handling=strict; x=1": true,
		"return=minimal|handling=strict":       true,
		"handling=lenient":                     false,
		"handling=lenient, handling=strict":    false, // the first counts
		"respond-async":                        false,
		"strict":                               false,
	} {
		if got := negotiation.Strict(strings.Split(header, "|")); got != want {
			t.Errorf("%s: %v", header, got)
		}
	}
}

// FuzzChoose looks for headers and queries that lead to a type that the client did not request.
func FuzzChoose(f *testing.F) {
	for _, seed := range [][2]string{
		{"application/fhir+json;q=1.0, application/json+fhir;q=0.9", ""},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "_pretty=true"},
		{`application/fhir+xml;fhirVersion="4.0";x="a,b\"";q=.5, */*;q=0`, "_format=application/fhir+xml"},
		{";;", "_format=xml;fhirVersion=3.0"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, accept, rawQuery string) {
		query, _ := url.ParseQuery(rawQuery)
		choice, err := negotiation.Choose([]string{accept}, query)
		format, bodyErr := negotiation.Body(choice.ContentType())
		if bodyErr != nil || format != choice.Format {
			t.Errorf("writes %s as %q", choice.Format, choice.ContentType())
		}
		if err != nil && choice.Format != fhir.JSON {
			t.Errorf("refuses in %s", choice.Format)
		}
		if errors.Is(err, negotiation.ErrFormat) != (err != nil && query.Get("_format") != "") {
			t.Errorf("%v for _format=%q", err, query.Get("_format"))
		}
		// A second line that says nothing changes nothing.
		again, againErr := negotiation.Choose([]string{";;", accept}, query)
		if again != choice || !errors.Is(againErr, err) {
			t.Errorf("a line without meaning changes %v, %v to %v, %v", choice, err, again, againErr)
		}
		// What wants XML only gets XML or a refusal.
		if err == nil && query.Get("_format") == "" && !strings.Contains(strings.ToLower(accept), "json") &&
			!strings.Contains(accept, "*") && strings.EqualFold(strings.TrimSpace(accept), "application/fhir+xml") && choice.Format != fhir.XML {
			t.Errorf("%q gets JSON", accept)
		}
		_ = negotiation.Strict([]string{accept})
	})
}
