// SPDX-License-Identifier: Apache-2.0

package authtest

import "strings"

// keys returns tokens signed with another key, with a key for another use or algorithm, or with a
// published key that no verifier may use.
func (f *forger) keys() []Attack {
	rsa, elliptic := f.Key("RS256"), f.Key("ES256")
	under := func(alg, id string) string { return `{"alg":"` + alg + `","kid":"` + id + `"}` }
	set := func(id string) string { return f.headed("RS256", f.other, under("RS256", id)) }
	return []Attack{
		{"key that names no algorithm", "Entra ID and others publish their keys without alg", f.headed("RS256", rsa, under("RS256", "bare")), Accepted},
		{"PSS", "providers of the health sector sign with PS256 by rule", f.Sign("PS256", nil, f.claims(nil)), Accepted},
		{"elliptic key", "many providers sign with ES256 by default", f.Sign("ES256", nil, f.claims(nil)), Accepted},
		{"Edwards key", "Keycloak signs with Ed25519 when told to", f.headed("EdDSA", f.edwards, under("EdDSA", "edwards")), Accepted},
		{"PS256 under the key for RS256", "a key is for one algorithm, else the weakest one it can do counts (RFC 8725 section 3.1)", f.headed("PS256", rsa, f.text("PS256", "")), Invalid},
		{"RS256 under the key for PS256", "a provider that left PKCS #1 v1.5 behind is dragged back to it", f.headed("RS256", rsa, under("RS256", f.KeyID("PS256"))), Invalid},
		{"PS256 under a key for nothing", "a key that does not say is good for the usual algorithm, not for what the header likes", f.headed("PS256", rsa, under("PS256", "bare")), Invalid},
		{"PS256 without kid", "trying every key tries them with every algorithm", f.headed("PS256", rsa, `{"alg":"PS256"}`), Invalid},
		{"RS512 under the key for RS256", "the header would choose the hash, against what the provider published", f.headed("RS512", rsa, f.text("RS512", "")), Invalid},
		{"RS256 under a key for RS512", "the header would choose a shorter hash than the provider asks for", set("RS512"), Invalid},
		{"RS256 under the elliptic key", "a cast that is not checked panics, and a recovered panic may count as success", f.headed("RS256", rsa, under("RS256", f.KeyID("ES256"))), Invalid},
		{"ES256 under the RSA key", "an RSA number read as a point on a curve is no key of the issuer", f.headed("ES256", elliptic, f.text("ES256", "")), Invalid},
		{"ES256 signed with RSA", "verifiers that choose by the length of the signature use the key of another algorithm", f.headed("RS256", rsa, under("ES256", f.KeyID("ES256"))), Invalid},
		{"RS256 signed with the elliptic key", "verifiers that choose by the kind of key use another algorithm than the header's", f.headed("ES256", elliptic, f.text("RS256", "")), Invalid},
		{"EdDSA under the elliptic key", "both kinds of key have an x, so that one is taken for the other", f.headed("EdDSA", f.edwards, under("EdDSA", f.KeyID("ES256"))), Invalid},
		{"EdDSA as ES256", "both signatures have 64 bytes, so that one is taken for the other", f.headed("EdDSA", f.edwards, under("ES256", "edwards")), Invalid},
		{"RSA key that says ES256", "the alg of a key is believed though its type cannot do that", set("ES256"), Invalid},
		{"key for encryption", "providers publish keys of clients for encryption, whose owners would become issuers", set("enc"), Invalid},
		{"key for encryption, no kid", "trying every key does not ask what it is for", f.forged(`{"alg":"RS256"}`), Invalid},
		{"key for wrapping", "key_ops says what use does, and is read less often", set("wrap"), Invalid},
		{"key published whole", "the private half is in the set, so that every reader of the set is an issuer", set("whole"), Invalid},
		{"key of 1024 bits", "such numbers have been factored or soon will be (RFC 7518 section 3.3)", f.headed("RS256", f.short, under("RS256", "short")), Invalid},
		{"key with exponent one", "the signature is then the padded hash, which takes no private key", f.padded(under("RS256", "one")), Invalid},
		{"wrong key", "a verifier that decodes and forgets to verify, which is one call less in most libraries", f.forged(f.text("RS256", "")), Invalid},
	}
}

// keyIDs returns tokens whose key id is missing or is an injection. The valid key signs them, so only
// the id can be the reason to refuse them.
func (f *forger) keyIDs() []Attack {
	id := f.KeyID("RS256")
	rows := []Attack{
		{"no kid", "trying every key does not care for what it is meant", f.header(Fields{"kid": nil}), Invalid},
		{"kid in capitals", "names have case (RFC 7515 section 4): one reader finds the key and the other tries them all", f.header(Fields{"kid": nil, "KID": id}), Invalid},
		{"kid escaped", "an escaped id is the same id to every JSON reader", f.rs256(`{"alg":"RS256","kid":"` + strings.Replace(id, "-", `\u002d`, 1) + `"}`), Accepted},
		{"kid null", "null reads as the empty id, which means any key to some libraries", f.rs256(`{"alg":"RS256","kid":null}`), Invalid},
		{"kid half a surrogate", "readers replace it by U+FFFD, so that two ids become one", f.rs256(`{"alg":"RS256","kid":"` + id + `\ud800"}`), Invalid},
		{"kid not UTF-8", "the log of the service and that of the provider show two ids", f.rs256("{\"alg\":\"RS256\",\"kid\":\"" + id + "\xff\"}"), Invalid},
		{"kid twice", "one reader looks up the good key, the other reports the other", f.rs256(`{"alg":"RS256","kid":"` + Canary + `","kid":"` + id + `"}`), Invalid},
		{"kid twice, one with the Kelvin sign", "it folds to k, so that encoding/json has two members for one field", f.rs256(`{"alg":"RS256","kid":"` + id + `","` + "\u212a" + `id":"` + Canary + `"}`), Invalid},
	}
	for _, row := range []struct {
		name, breaks string
		kid          any
	}{
		{"path", "kid is joined to a folder by verifiers that keep keys in files, and any file becomes a key", "../../dev/null"},
		{"SQL", "kid is pasted into a query by verifiers that keep keys in tables, and the attacker returns the key", "x' UNION SELECT 'canary'--"},
		{"LDAP", "kid is pasted into a filter, where a star finds any key", "*)(uid=*"},
		{"shell", "kid is handed to a command that reads the key", "x|echo canary"},
		{"URL", "kid is fetched when it looks like an address, as libraries did that mixed it up with jku", "https://canary.example/keys"},
		{"format", "kid is used as a format of a log line", "%s%s%s%n"},
		{"log lines", "kid is written to a text log, and the attacker writes the next line of it", "x\nlevel=INFO msg=canary"},
		{"NUL", "code in C compares up to the NUL and finds the good key", id + "\x00"},
		{"blank after it", "a column of fixed width finds the good key, and a cache holds it under many names", id + " "},
		{"lower case", "keys are told apart by case, and two of them would be one", strings.ToLower(id)},
		{"prefix", "a search by prefix finds the key that comes first", id[:len(id)-1]},
		{"look-alike", "a database that compares by collation takes the long hyphen for the short one", strings.Replace(id, "-", "\u2010", 1)},
		{"prototype", "an object used as a map has this member in JavaScript, and it is not a key", "__proto__"},
		{"number", "a number becomes an index into the list of keys", 1},
		{"true", "true equals any id where comparison converts", true},
		{"empty", "the empty id stands for none at all, and for any key", ""},
		{"list", `PHP and JavaScript take ["x"] for x in some places and not in others`, []string{id}},
		{"object", "MongoDB reads an object as a condition, and not-equal finds any key", Fields{"$ne": ""}},
		{"unknown", "a key that is not there must not be replaced by the one that is", Canary},
		{"long", "unbounded ids fill caches and log lines", strings.Repeat("k", 1000)},
		{"huge", "five thousand letters of id are compared, kept and written for nothing", strings.Repeat("k", 5000)},
	} {
		rows = append(rows, Attack{"kid " + row.name, row.breaks, f.header(Fields{"kid": row.kid}), Invalid})
	}
	return rows
}
