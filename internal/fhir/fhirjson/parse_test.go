// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/fhir/fhirjson"
)

func parse(t *testing.T, text string) fhirjson.Value {
	t.Helper()
	value, err := fhirjson.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestParseKeepsWhatIsSaid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` { "b" : 1 , "a" : [ true , false , null ] } `: `{"b":1,"a":[true,false,null]}`, // members keep their order
		`[1.10,1e400,-0,1E+2,12345678901234567890]`:     `[1.10,1e400,-0,1E+2,12345678901234567890]`,
		`"\u00e6\/\ud83d\ude00\u0000\n"`:                "\"æ/😀\\u0000\\n\"",
		`{"":{}, "x":[]}`:                               `{"":{},"x":[]}`,
		`null`:                                          `null`,
		"\t\r\n\"x\" ":                                  `"x"`,
	} {
		if got := string(parse(t, text).AppendJSON(nil)); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestParseDepth(t *testing.T) {
	t.Parallel()
	nested := func(open, shut string, depth int) string {
		return strings.Repeat(open, depth) + "1" + strings.Repeat(shut, depth)
	}
	parse(t, nested("[", "]", fhirjson.MaxDepth))
	parse(t, nested(`[{"a":`, "}]", fhirjson.MaxDepth/2))
	for _, text := range []string{
		nested("[", "]", fhirjson.MaxDepth+1),
		nested(`{"a":`, "}", fhirjson.MaxDepth+1),
		nested(`[{"a":`, "}]", fhirjson.MaxDepth/2+1), // both count
		strings.Repeat("[", 4<<20),                    // never reads on to find that it is not closed
		strings.Repeat(`{"a":`, 1<<20),
	} {
		begin := time.Now()
		_, err := fhirjson.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), "more than 64 deep") {
			t.Errorf("%.20s…: %v", text, err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%.20s…: took %v", text, took)
		}
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                           `The text is not valid JSON: unexpected end.`,
		`   `:                        `The text is not valid JSON: unexpected end.`,
		`{"a":`:                      `The text is not valid JSON: unexpected end.`,
		`[1`:                         `The text is not valid JSON: unexpected end.`,
		`"a`:                         `The text is not valid JSON: unexpected end.`,
		`tru`:                        `The text is not valid JSON: unexpected end.`,
		`{"a":1,}`:                   `The text is not valid JSON: unexpected ',' at byte 6.`,
		`[1,]`:                       `The text is not valid JSON: unexpected ',' at byte 2.`,
		`[,1]`:                       `The text is not valid JSON: unexpected ',' at byte 1.`,
		`[1 2]`:                      `The text is not valid JSON: unexpected '2' at byte 3.`,
		`{a:1}`:                      `The text is not valid JSON: unexpected 'a' at byte 1.`,
		`{"a" 1}`:                    `The text is not valid JSON: unexpected '1' at byte 5.`,
		`{1:1}`:                      `The text is not valid JSON: unexpected '1' at byte 1.`,
		`{"a":1]`:                    `The text is not valid JSON: unexpected ']' at byte 6.`,
		`]`:                          `The text is not valid JSON: unexpected ']' at byte 0.`,
		`'a'`:                        `The text is not valid JSON: unexpected '\'' at byte 0.`,
		`[NaN]`:                      `The text is not valid JSON: unexpected 'N' at byte 1.`,
		`[01]`:                       `The text is not valid JSON: unexpected '1' at byte 2.`,
		`[1.]`:                       `The text is not valid JSON: unexpected ']' at byte 3.`,
		`[+1]`:                       `The text is not valid JSON: unexpected '+' at byte 1.`,
		`["\x"]`:                     `The text is not valid JSON: unexpected '\\' at byte 2.`,
		"[\"a\nb\"]":                 `The text is not valid JSON at byte 3.`,
		"[1,\x00]":                   `The text is not valid JSON at byte 3.`,
		`[1]/**/`:                    `The text goes on after its JSON value, which ends at byte 3.`,
		`{}{}`:                       `The text goes on after its JSON value, which ends at byte 2.`,
		`1 2`:                        `The text goes on after its JSON value, which ends at byte 1.`,
		`1 "x`:                       `The text goes on after its JSON value, which ends at byte 1.`,
		"\ufeff{}":                   `The text begins with a byte order mark, which JSON does not allow.`,
		"{\"a\":\"\xff\"}":           `The text is not UTF-8 at byte 6.`,
		"\xff\xfe{\x00}\x00":         `The text is not UTF-8 at byte 0.`, // UTF-16
		"[\"\xed\xa0\x80\"]":         `The text is not UTF-8 at byte 2.`, // a surrogate, encoded
		`["\ud800"]`:                 `The text is not valid JSON: half of a surrogate pair at byte 2.`,
		`["a\uDC00\ud800"]`:          `The text is not valid JSON: half of a surrogate pair at byte 3.`,
		`{"\udfff":1}`:               `The text is not valid JSON: half of a surrogate pair at byte 2.`,
		`{"a":1,"a":1}`:              `The name "a" stands twice in one object, the second time at byte 7.`,
		`[{"b":{"a":1,"\u0061":2}}]`: `The name "a" stands twice in one object, the second time at byte 13.`, // as decoded
	} {
		_, err := fhirjson.Parse([]byte(text))
		var fault *fhirjson.Fault
		if !errors.As(err, &fault) {
			t.Errorf("%q is accepted: %v", text, err)
			continue
		}
		if diff := cmp.Diff(fhirjson.Fault{Reason: want}, *fault); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

// A client's name is shown again, but not a megabyte of it.
func TestParseShowsLittle(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("ø", 1<<19)
	_, err := fhirjson.Parse([]byte(`{"` + name + `":1,"` + name + `":1}`))
	if err == nil || len(err.Error()) > 400 || !strings.Contains(err.Error(), strings.Repeat("ø", 64)+`"…`) {
		t.Errorf("%.500v", err)
	}
}

func TestAppendJSONOfWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	v := fhirjson.Value{Kind: fhirjson.String, Text: "a\xffb"}
	if got := string(v.AppendJSON([]byte("x"))); got != "x\"a\ufffdb\"" {
		t.Errorf("%q", got)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	v := parse(t, `{"a":null,"b":2}`)
	if b, ok := v.Get("b"); !ok || b.Text != "2" {
		t.Errorf("b is %v, %t", b, ok)
	}
	if a, ok := v.Get("a"); !ok || a.Kind != fhirjson.Null {
		t.Errorf("a is %v, %t", a, ok)
	}
	if _, ok := v.Get("c"); ok {
		t.Error("there is a c")
	}
}

// A value costs far more memory than the two bytes it may be written in.
func TestParseStopsAtManyValues(t *testing.T) {
	t.Parallel()
	list := func(values int) []byte { return []byte("[" + strings.Repeat("1,", values-2) + "1]") }
	if _, err := fhirjson.ParseBody(list(fhirjson.MaxValues)); err != nil {
		t.Error(err)
	}
	if _, err := fhirjson.ParseBody(list(fhirjson.MaxValues + 1)); err == nil {
		t.Error("no end of values")
	}
	// What was stored is shown, however long it is.
	if _, err := fhirjson.Parse(list(fhirjson.MaxValues + 1)); err != nil {
		t.Error(err)
	}
}
