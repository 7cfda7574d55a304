// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"net/url"
	"strings"
)

// forms returns tokens that are not three segments of base64url.
func (f *forger) forms() []Attack {
	s, good := f.parts, f.good
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	sealed := segment([]byte(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"` + f.KeyID("RS256") + `"}`))
	flattened := `{"payload":"` + s[1] + `","protected":"` + s[0] + `","signature":"` + s[2] + `"}`
	general := `{"payload":"` + s[1] + `","signatures":[{"protected":"` + s[0] + `","signature":"` + s[2] + `"}]}`
	return []Attack{
		{"two blanks before it", "RFC 6750 section 2.1 allows several, and some clients send two", " " + good, Accepted},
		{"empty", "an empty token has no segment that could be wrong", "", Invalid},
		{"one segment", "opaque tokens are for introspection, and the same issuers give them out", s[1], Invalid},
		{"two segments", "libraries that split and index take a missing signature for an empty one", s[0] + "." + s[1], Invalid},
		{"two dots", "three empty segments are three, and each decodes without error", "..", Invalid},
		{"dot before it", "cutting at the first and at the last dot finds two different payloads", "." + good, Invalid},
		{"dot after it", "a revoked token with a dot behind it is another text to the list", good + ".", Invalid},
		{"four segments", "what follows the signature is not signed, and some reader may look at it", good + "." + s[1], Invalid},
		{"five segments", "a library that decrypts as well takes them for a sealed token, which is unsigned", sealed + "." + s[2] + "." + s[0] + "." + s[1] + ".AAAA", Invalid},
		{"five segments of a good token", "the first three segments are a valid token", good + ".a.b", Invalid},
		{"many dots", "splitting without a limit makes a list of a hundred thousand texts out of each request", strings.Repeat(".", 100000), Invalid},
		{"payload detached", "verifiers for signed bodies take the payload from elsewhere (RFC 7515 appendix F)", s[0] + ".." + s[2], Invalid},
		// JSON contains commas, and a comma joins two credentials.
		{"JSON serialisation", "its header has a part that is not signed, where alg and jwk may stand", flattened, Malformed},
		{"general JSON serialisation", "one good signature among several is enough for some libraries, and the log names another", general, Malformed},
		{"two tokens, comma", "a proxy joins two headers like that, having checked the first", good + ", Bearer " + f.unsigned(`{"alg":"none"}`, ""), Malformed},
		{"two tokens, blank", "cutting at the first blank and at the last finds two different tokens", good + " " + good, Invalid},
		{"scheme twice", "replacing Bearer everywhere accepts it, the proxy in front cut once", "Bearer " + good, Invalid},
		{"quotes", "readers of parameters strip them, so that one token has two spellings", `"` + good + `"`, Invalid},
		{"parameter after it", "what follows the semicolon is read by one of two readers", good + ";user=" + Canary, Invalid},
		{"percent encoding", "who decodes once too often accepts it, past a list of revoked tokens", strings.ReplaceAll(url.QueryEscape(good), ".", "%2E"), Invalid},
		{"wide dots", "normalising to NFKC turns them into dots, after the filter in front saw none", strings.ReplaceAll(good, ".", "\uff0e"), Invalid},
		{"unused bits", "the last letter has bits that are thrown away: the same signature in another spelling passes a list of revoked tokens", good[:len(good)-1] + alphabet[last|1:last|1+1], Invalid},
		{"padding", "RFC 7515 has none, and one token would have two spellings", good + "==", Invalid},
		{"padding inside", "decoders that stop at the padding ignore what follows it", s[0] + "=." + s[1] + "." + s[2], Invalid},
		{"standard alphabet", "decoders that take both alphabets give one token many spellings", s[0] + "." + s[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s[2]) + "+/", Invalid},
		{"length of no text", "one letter alone holds six bits, which some decoders drop in silence", good + "AAA", Invalid},
		{"blank inside", "decoders for mail skip blanks, so that one token has many spellings", s[0] + ". " + s[1] + "." + s[2], Invalid},
		{"tab inside", "splitting at white space takes what follows the tab for something else", s[0] + ".\t" + s[1] + "." + s[2], Invalid},
		{"line break inside", "Go's own decoder skips line breaks, even the strict one", s[0] + "." + s[1][:8] + "\n" + s[1][8:] + "." + s[2], Invalid},
		{"carriage return inside", "Go's decoder skips it as well, and a proxy may end the header there", s[0] + "." + s[1] + ".\r" + s[2], Invalid},
		{"NUL after it", "code in C sees the good token, the log sees what follows", good + "\x00" + Canary, Invalid},
		{"not ASCII", "letters of other alphabets are dropped by lenient decoders", s[0] + "." + s[1] + ".\u00e9" + s[2], Invalid},
	}
}
