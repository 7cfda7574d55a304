// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

func tree(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	v, err := fhirjson.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func encode(t testing.TB, encoder fhirxml.Encoder, v fhirjson.Value) string {
	t.Helper()
	text, err := encoder.AppendResource(nil, v)
	if err != nil {
		t.Fatalf("%s: %v", v.AppendJSON(nil), err)
	}
	return string(text)
}

// wellFormed fails unless encoding/xml reads text to its end without our help.
func wellFormed(t testing.TB, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, text)
		}
	}
}

// unlike says how two things differ, or nothing if they are equal. It compares
// text where they do: cmp takes for ever to compare what is deeply nested.
func unlike(before, after any) string {
	if reflect.DeepEqual(before, after) {
		return ""
	}
	return cmp.Diff(fmt.Sprintf("%#v", before), fmt.Sprintf("%#v", after))
}

// number tells a number from a string that reads the same.
type number string

// meaning returns what a tree says, for comparing: without the order of members,
// arrays of nothing, and the spelling of narratives.
func meaning(t testing.TB, v fhirjson.Value) any {
	t.Helper()
	switch v.Kind {
	case fhirjson.String:
		return v.Text
	case fhirjson.Number:
		return number(v.Text)
	case fhirjson.Bool:
		return v.Text == "true"
	case fhirjson.Array:
		list := make([]any, 0, len(v.Items))
		for i := range v.Items {
			list = append(list, meaning(t, v.Items[i]))
		}
		return list
	case fhirjson.Object:
		object := make(map[string]any)
		for _, m := range v.Members {
			if _, twice := object[m.Name]; twice {
				t.Fatalf("%s stands twice", m.Name)
			}
			switch {
			case empty(m.Value):
			case m.Name == "div" && m.Value.Kind == fhirjson.String:
				object[m.Name] = markup(t, m.Value.Text)
			default:
				object[m.Name] = meaning(t, m.Value)
			}
		}
		return object
	default:
		return nil
	}
}

// empty tells whether a value is an array of nothing but null.
func empty(v fhirjson.Value) bool {
	for i := range v.Items {
		if v.Items[i].Kind != fhirjson.Null {
			return false
		}
	}
	return v.Kind == fhirjson.Array
}

// markup returns what a narrative says, by a reader of its own.
func markup(t testing.TB, div string) []string {
	t.Helper()
	var said []string
	var text strings.Builder
	say := func(what string, arguments ...any) {
		if text.Len() > 0 {
			said = append(said, "text "+text.String())
			text.Reset()
		}
		said = append(said, fmt.Sprintf(what, arguments...))
	}
	decoder := xml.NewDecoder(strings.NewReader(div))
	depth := 0
	for {
		token, err := decoder.Token()
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			say("start %s", token.Name)
			for _, a := range token.Attr {
				if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
					// A line break may have been a reference or not: we cannot tell.
					say("attribute %s %q", a.Name, strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(a.Value))
				}
			}
		case xml.EndElement:
			depth--
			say("end")
		case xml.CharData:
			if depth > 0 {
				text.Write(token)
			}
		case xml.Comment:
			say("comment %s", strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(token)))
		default:
			if errors.Is(err, io.EOF) {
				return said
			}
			t.Fatalf("%v %v in %s", token, err, div)
		}
	}
}
