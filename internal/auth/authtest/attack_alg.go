// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"crypto/x509"
	"encoding/pem"
)

// algorithms returns tokens whose header has no algorithm, some spelling of none, or several.
func (f *forger) algorithms() []Attack {
	kid := `"kid":"` + f.KeyID("RS256") + `"`
	rows := []Attack{
		{"good", "a verifier that refuses this token refuses every token", f.good, Accepted},
		{"alg escaped", `\u0052 is the letter R to every JSON reader, and some encoders escape freely`, f.rs256(f.text(`\u0052S256`, "")), Accepted},
		{"alg missing", "libraries with a default algorithm let the caller choose it by silence", f.rs256(`{` + kid + `}`), Invalid},
		{"alg number", "a cast that fails leaves the empty name, which some tables of algorithms hold as none", f.rs256(`{"alg":256,` + kid + `}`), Invalid},
		{"alg null", "null reads as absent in one library and as the text null in the next", f.rs256(`{"alg":null,` + kid + `}`), Invalid},
		{"alg list", `JavaScript turns ["RS256"] into RS256 when it compares, and into another thing when it looks up`, f.rs256(`{"alg":["RS256"],` + kid + `}`), Invalid},
		{"alg object", "whatever the object prints as is looked up, in languages that print objects", f.rs256(`{"alg":{"name":"RS256"},` + kid + `}`), Invalid},
		{"alg in lower case", "an allow-list without case before a table with case ends at the default of the table", f.rs256(f.text("rs256", "")), Invalid},
		{"alg with a line break", "a pattern ending in $ lets a line break pass, and the table behind it does not know the name", f.rs256(f.text(`RS256\n`, "")), Invalid},
		{"alg unknown", "a registry of algorithms must not have a fallback for unknown ones", f.rs256(f.text(Canary, "")), Invalid},
		{"alg twice, none first", "one reader takes the first and skips the signature, the log shows the last", f.rs256(`{"alg":"none","alg":"RS256",` + kid + `}`), Invalid},
		{"alg twice, none last", "encoding/json takes the last, the proxy in front checked the first", f.rs256(`{"alg":"RS256","alg":"none",` + kid + `}`), Invalid},
		{"alg in two cases", "encoding/json reads ALG into a field named alg, so that two readers see two algorithms", f.rs256(`{"ALG":"none","alg":"RS256",` + kid + `}`), Invalid},
		{"alg twice, one name escaped", "a filter that compares names before it unescapes them sees no duplicate", f.rs256(`{"alg":"RS256","\u0061lg":"none",` + kid + `}`), Invalid},
		{"alg of encryption", "libraries that also decrypt accept a token that any client can encrypt with the public key", f.rs256(f.text("RSA-OAEP", "")), Invalid},
		{"alg of a password", "the number of rounds is in the header, and one token keeps a core busy for hours", f.rs256(f.text("PBES2-HS256+A128KW", `,"p2c":2147483647,"p2s":"AAAA"`)), Invalid},
	}
	for _, none := range []struct{ name, alg, breaks string }{
		{"none", "none", "RFC 7519 section 6 makes it an algorithm like any other, and it wants no key"},
		{"nOnE", "nOnE", "a list of refused names that has none only, before a comparison without case"},
		{"NONE", "NONE", "names are turned to upper case for a registry after the check for none"},
		{"None", "None", "Python's own None, which code writes into headers and reads from them"},
		{"none after a blank", " none", "the check compares exactly, the table behind it trims"},
		{"none before a blank", "none ", "the check compares exactly, and a column of fixed width in SQL pads"},
		{"none escaped", `\u006eone`, "a filter that searches the raw text for none does not see it"},
		{"none with a NUL", `none\u0000`, "code in C ends the name at the NUL, after the check in another language did not"},
		{"nothing", "", "the empty name stands for none where a missing one does"},
	} {
		header := `{"alg":"` + none.alg + `"}`
		rows = append(
			rows,
			Attack{"alg " + none.name, none.breaks, f.unsigned(header, ""), Invalid},
			Attack{
				"alg " + none.name + ", with a signature", "a check that there are three full segments finds them; and " + none.breaks,
				f.unsigned(f.text(none.alg, ""), f.parts[2]), Invalid,
			},
		)
	}
	return rows
}

// secrets returns tokens with an HMAC whose secret the attacker knows.
func (f *forger) secrets() []Attack {
	der, err := x509.MarshalPKIXPublicKey(f.Key("RS256").Public())
	if err != nil {
		f.tb.Fatalf("encode public key: %v", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hmac := func(secret []byte, header string) string { return f.headed("HS256", secret, header) }
	own, keyless := f.text("HS256", ""), `{"alg":"HS256"}`
	return []Attack{
		{"HMAC with the PEM", "one verify(token, key) for all algorithms takes the public key for the shared secret", hmac(text, own), Invalid},
		{"HMAC with the PEM, trimmed", "the same, where the file was read without its last line break", hmac(text[:len(text)-1], own), Invalid},
		{"HMAC with the DER", "the same, in verifiers that keep keys as bytes", hmac(der, own), Invalid},
		{"HMAC with the PEM, no kid", "without an id the verifier tries every key it has as a secret", hmac(text, keyless), Invalid},
		{"HMAC with the DER, no kid", "without an id the verifier tries every key, encoded as it keeps them", hmac(der, keyless), Invalid},
		{"HMAC with the key of the set", "every reader of the key set knows a symmetric key in it", hmac(f.secret, `{"alg":"HS256","kid":"oct"}`), Invalid},
		{"HMAC with the key of the set, no kid", "trying every key finds the symmetric one as well", hmac(f.secret, keyless), Invalid},
		{"HMAC with no key", "a map that returns the empty key for an unknown id has a public secret", hmac(nil, `{"alg":"HS256","kid":"`+Canary+`"}`), Invalid},
		{"HMAC with an empty file", "an id that is used as a path makes the content of /dev/null the secret", hmac(nil, `{"alg":"HS256","kid":"../../../../../../dev/null"}`), Invalid},
		{"HMAC with the id of the key", "a lookup that returns its argument when it finds nothing", hmac([]byte(f.KeyID("RS256")), own), Invalid},
		{"HMAC with a common secret", "the example of every tutorial, left in the settings", hmac([]byte("secret"), own), Invalid},
	}
}
