// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"strings"
	"unicode/utf16"
)

// texts returns tokens whose claims are not one JSON object in UTF-8. The provider signs them, as a
// provider that signs the text of a client would.
func (f *forger) texts() []Attack {
	text := f.payload()
	user := `"user_id":"` + AttackUser + `"`
	var wide strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		wide.Write([]byte{byte(unit), byte(unit >> 8)}) //nolint:gosec // the two halves
	}
	return []Attack{
		{"claims with blanks", "white space around them is JSON, and some providers print it", f.signed(" \r\n\t" + text + "\n "), Accepted},
		{"claims null", "null decodes into anything, and every claim then has its zero value", f.signed("null"), Invalid},
		{"claims list", "a list of one is its element in lenient readers", f.signed("[" + text + "]"), Invalid},
		{"claims in a text", "readers that help unpack JSON inside JSON", f.signed(encode(f.tb, text)), Invalid},
		{"claims number", "a cast that panics turns a good signature into an error 500", f.signed("7"), Invalid},
		{"claims empty", "an empty text reads as an empty object in lenient languages", f.signed(""), Invalid},
		{"claims cut", "a stream decoder has seen the user before it finds that the end is missing", f.signed(text[:len(text)-1]), Invalid},
		{"rubbish after the claims", "json.Decoder stops at the end of the first value", f.signed(text + "x"), Invalid},
		{"second object", "one reader takes the first object and the other the last", f.signed(text + `{"user_id":"` + Canary + `"}`), Invalid},
		{"NUL after the claims", "code in C sees sound claims, others see rubbish", f.signed(text + "\x00"), Invalid},
		{"byte order mark", "some readers skip it and some fail, so that a filter and a service differ", f.signed("\ufeff" + text), Invalid},
		{"UTF-16", "readers that guess the encoding see claims where a filter saw none", f.signed(wide.String()), Invalid},
		{"comment", "what one reader skips as a comment is the user of the next", f.user(user + `/*,"user_id":"canary"*/`), Invalid},
		{"line comment", "the same, up to the end of the line", f.user(user + ",//\n\"x\":1"), Invalid},
		{"single quotes", "lenient readers see a user here and strict ones an error", f.user("'user_id':'canary'"), Invalid},
		{"names without quotes", "lenient readers see a user here and strict ones an error", f.user(`user_id:"canary"`), Invalid},
		{"comma too many", "some readers see a nameless member behind it", f.user(user + `,,"x":1`), Invalid},
		{"NaN", "Python writes it when told nothing else, and no two readers agree on it", f.first(`"x":NaN`), Invalid},
		{"control character", "a line break inside a text writes a line of its own into a log", f.first("\"x\":\"\ncanary\""), Invalid},
		{"unknown escape", `\x75 is u in JavaScript, an error in JSON, and x75 in lenient readers`, f.user(`"user_id":"\x75"`), Invalid},
		{"unused claim not UTF-8", "a program that forwards or logs the claims changes them", f.first("\"x\":\"\xff\""), Invalid},
		{"unused claim twice", "another program may read the claim", f.first(`"x":1,"x":2`), Invalid},
	}
}

// sizes returns tokens that make a verifier use much time or memory.
func (f *forger) sizes() []Attack {
	padding := func(length int) string { return f.claim("x", strings.Repeat("x", length)) }
	return []Attack{
		{"five thousand letters", "tokens with some hundred roles are that long", padding(5000), Accepted},
		{"nested twenty deep", "an address or a list of rights may nest, and nothing is wrong with that", f.first(`"x":` + nested(20)), Accepted},
		{"nested a thousand deep", "a recursive reader needs stack for each level, before it has seen a signature", f.first(`"x":` + nested(1000)), Invalid},
		{"nested 5,000 deep", "some readers give up with a panic here that no handler catches", f.first(`"x":` + nested(5000)), Invalid},
		{"nested 20,000 deep", "above the limit of encoding/json, whose error another reader does not share", f.first(`"x":` + nested(20000)), Invalid},
		{"objects nested deeply", "a limit that counts lists only", f.first(`"x":` + strings.Repeat(`{"":`, 500) + "0" + strings.Repeat("}", 500)), Invalid},
		{"ten kilobytes", "base64, JSON and hash cost time for an unauthenticated client", padding(10 << 10), Invalid},
		{"one megabyte", "a hundred callers of this kind fill the memory of a container", padding(1 << 20), Invalid},
	}
}

// nested returns lists nested in lists.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
