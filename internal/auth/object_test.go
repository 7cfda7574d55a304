// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestReadObject(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for _, row := range []struct {
		name, text string
		want       error
	}{
		{"empty", `{}`, nil},
		{"blanks around it", " \t\r\n{\"a\":1}\n", nil},
		{"same name in two objects", `{"a":{"x":1},"b":{"x":1},"x":[{"x":1},{"x":2}]}`, nil},
		{"value equal to a name", `{"a":"a","b":"a"}`, nil},
		{"nested names that differ in case", `{"r":{"Account":1,"account":2}}`, nil},
		{"whole pair of surrogates", `{"a":"\ud83d\ude00","b":"\\ud83d"}`, nil},
		{"as deep as allowed", nested(maxDepth - 1), nil},
		// Deep nesting must not use much time or memory.
		{"too deep", nested(maxDepth), errDepth},
		{"far too deep", nested(20000), errDepth},
		{"nothing", ``, errNotJSON},
		{"array", `[]`, errNotObject},
		// json.Unmarshal of null into a map succeeds and leaves it empty.
		{"null", `null`, errNotObject},
		{"string", `"{}"`, errNotObject},
		{"two objects", `{}{}`, errNotJSON},
		{"rubbish after it", `{"a":1}x`, errNotJSON},
		{"byte order mark", "\ufeff{}", errNotJSON},
		{"comma at the end", `{"a":1,}`, errNotJSON},
		// encoding/json uses the last of two members, other parsers the first.
		{"same name twice", `{"user_id":"a","user_id":"b"}`, errTwice},
		{"same name twice, one escaped", `{"user_id":"a","user\u005fid":"b"}`, errTwice},
		{"same name twice, deeper", `{"a":[{"r":1,"r":2}]}`, errTwice},
		{"same name after a nested object", `{"a":{},"a":1}`, errTwice},
		// encoding/json matches the fields of a struct without regard to case.
		{"names that differ in case", `{"user_id":"a","USER_ID":"b"}`, errTwice},
		{"name with a long s", `{"user_id":"a","u` + "\u017f" + `er_id":"b"}`, errTwice},
		{"name with a Kelvin sign", `{"kid":"a","` + "\u212a" + `id":"b"}`, errTwice},
		// encoding/json converts both to U+FFFD, so that two users would become one.
		{"invalid UTF-8", "{\"a\":\"\xff\"}", errNotJSON},
		{"high surrogate alone", `{"a":"\ud800"}`, errNotJSON},
		{"high surrogate before text", `{"a":"\ud800xxxxxx"}`, errNotJSON},
		{"two high surrogates", `{"a":"\ud800\ud800"}`, errNotJSON},
		{"low surrogate alone", `{"a":"\udc00"}`, errNotJSON},
		{"in a name", `{"\ud800":1}`, errNotJSON},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if _, err := readObject([]byte(row.text)); !errors.Is(err, row.want) {
				t.Errorf("readObject: got %v, want %v", err, row.want)
			}
		})
	}
}

func TestReadDate(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		`0`: true, `1700000000`: true, `1.7e9`: true, `1700000000.5`: true, `-1`: true, `253402300799`: true,
		``: false, `null`: false, `"1700000000"`: false, `[1]`: false, `{}`: false, `true`: false,
		// Beyond int64 the JWT library's own conversion depends on the processor.
		`253402300800`: false, `9223372036854775807`: false, `1e300`: false, `1e400`: false, `-1e300`: false,
	} {
		date, ok := readDate([]byte(text))
		if ok != good {
			t.Errorf("readDate(%s): got %v, %v", text, date, ok)
		}
	}
	if date, _ := readDate([]byte(`1700000000.5`)); date.UnixMilli() != 1700000000500 {
		t.Errorf("fraction lost: %v", date)
	}
}
