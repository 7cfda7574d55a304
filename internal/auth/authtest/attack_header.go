// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"encoding/json"
	"strings"
)

// headers returns tokens whose header is no valid JSON object. The provider signs them.
func (f *forger) headers() []Attack {
	more := func(text string) string { return f.rs256(f.text("RS256", text)) }
	return []Attack{
		{"header with blanks", "white space between the members is JSON, and some providers print it", f.rs256(" {\n\t" + f.text("RS256", "")[1:] + "\r\n"), Accepted},
		{"header array", "a list has no members, so that every check finds nothing to object to", f.rs256("[]"), Invalid},
		{"header null", "null decodes into anything, and every member then has its zero value", f.rs256("null"), Invalid},
		{"header text", "a JSON text inside JSON is unpacked by readers that are helpful", f.rs256(encode(f.tb, f.text("RS256", ""))), Invalid},
		{"header empty", "an empty text reads as an empty object in lenient languages", f.rs256(""), Invalid},
		{"header cut", "a stream decoder has seen alg and kid before it finds that the end is missing", f.rs256(strings.TrimSuffix(f.text("RS256", ""), "}")), Invalid},
		{"header twice", "json.Decoder reads the first value and leaves the second for another reader", f.rs256(f.text("RS256", "") + `{"alg":"none"}`), Invalid},
		{"header after a byte order mark", "some readers skip the mark and some fail, and filters in front may do the other thing", f.rs256("\ufeff" + f.text("RS256", "")), Invalid},
		{"header with a comment", "what one reader skips as a comment is a member to the next", more(`/*,"crit":["canary"]*/`), Invalid},
		{"header nested deeply", "a recursive reader runs out of stack before there was any signature to check", more(`,"n":` + nested(1000)), Invalid},
		{"header not UTF-8", "the bytes are replaced by readers that do not say so, and the log shows another header", more(",\"n\":\"\xff\""), Invalid},
	}
}

// members returns tokens whose header has members that a verifier must refuse, and some with harmless
// members.
func (f *forger) members() []Attack {
	own := JWK(f.tb, "evil", f.other.Public())
	brought := func(id, name string, value any) string {
		return f.forged(encode(f.tb, Fields{"alg": "RS256", "kid": id, name: value}))
	}
	kid := f.KeyID("RS256")
	rows := []Attack{
		{"thumbprint of a certificate", "Entra ID sends x5t in every token", f.header(Fields{"x5t": "AAAA", "x5t#S256": "AAAA"}), Accepted},
		{"unknown member", "RFC 7515 section 4 wants them ignored, so that providers can add some", f.header(Fields{"nonce": Canary}), Accepted},
		{"claims in the header", "RFC 7519 section 5.3 lets providers repeat them there, and the header is no place to read a user from", f.header(Fields{"user_id": Canary, "exp": 1}), Accepted},
		{"CRIT", "names have case, and this one means nothing: refusing it refuses what RFC 7515 wants ignored", f.header(Fields{"CRIT": []string{"exp"}}), Accepted},
		{"own key in jwk", "the key that comes with the token verifies it, of course (CVE-2018-0114)", brought("evil", "jwk", own), Invalid},
		{"own key in jwk, known kid", "the key that comes along replaces the one that is known by that id", brought(kid, "jwk", own), Invalid},
		{"own key in Jwk", "encoding/json reads it into a field named jwk, past a check by exact name", brought(kid, "Jwk", own), Invalid},
		{"own key behind jku", "the token says where to fetch the key from, and the attacker answers there", brought("evil", "jku", "https://canary.example/keys"), Invalid},
		{"own key behind jku, address of the provider", "a check by prefix lets user@host through, which is another host", brought("evil", "jku", f.Issuer()+"@canary.example/keys"), Invalid},
		{"own certificate in x5c", "a chain that is read and never checked against a root is just another key", brought(kid, "x5c", []string{"MIIB"}), Invalid},
	}
	for _, row := range []struct {
		name, breaks string
		value        any
	}{
		{"jku", "the service fetches any address from inside the network before it looks at the signature", "https://canary.example/keys"},
		{"x5u", "as jku, and fewer people know of it", "https://canary.example/x"},
		{"jwk", "two keys for one token: what was verified with one is logged as the other's", own},
		{"x5c", "certificates are parsed before there is a signature to trust, and parsers have bugs", []string{"MIIB"}},
		{"crit", "a verifier that ignores it skips a condition of the issuer", []string{Canary}},
		{"crit empty", "RFC 7515 section 4.1.11 forbids it, and loops over nothing find nothing to refuse", []string{}},
		{"crit of a known claim", "it names what is no extension, which RFC 7515 forbids as well", []string{"exp"}},
		{"crit null", "the member is there, and a decoder that drops null does not see it", json.RawMessage("null")},
		{"b64", "true is the default; a verifier that supports the member also supports false", true},
		{"b64 off", "the payload is then signed as it stands, and means two things (RFC 7797 section 8)", false},
		{"zip", "a token of a few hundred bytes unpacks to gigabytes", "DEF"},
		{"enc", "a header of encryption on a signed token is read by the wrong half of a library", "A256GCM"},
	} {
		name, _, _ := strings.Cut(row.name, " ")
		rows = append(rows, Attack{"header " + row.name, row.breaks, f.header(Fields{name: row.value}), Invalid})
	}
	both := f.header(Fields{"crit": []string{"b64"}, "b64": false})
	return append(rows, Attack{"crit with b64", "libraries that implement RFC 7797 verify another text than the one that is decoded here", both, Invalid})
}

// types returns other kinds of tokens of the same issuer, marked in the header or by Keycloak's claim.
func (f *forger) types() []Attack {
	var rows []Attack
	for _, row := range []struct {
		name, breaks string
		typ          any
		want         Verdict
	}{
		{"in lower case", "it is a media type, which has no case (RFC 7515 section 4.1.9)", "jwt", Accepted},
		{"of RFC 9068", "the registered type of access tokens", "at+jwt", Accepted},
		{"of RFC 9068 in full", "the prefix may be written out", "application/at+JWT", Accepted},
		{"absent", "RFC 7519 section 5.1 leaves it to the application", nil, Accepted},
		{"of a logout token", "it is signed by the same key, holds the same user and travels through the browser", "logout+jwt", Invalid},
		{"of a DPoP proof", "a client makes these itself, for each request", "dpop+jwt", Invalid},
		{"of a security event", "receivers of events could replay them as access", "secevent+jwt", Invalid},
		{"of a JSON serialisation", "it announces another form than the one that was read", "JOSE+JSON", Invalid},
		{"with the prefix twice", "a loop that strips prefixes accepts what no registry knows", "application/application/jwt", Invalid},
		{"with a parameter", "parameters of the type are not defined", "JWT; kind=" + Canary, Invalid},
		{"empty", "the empty type is none of the accepted ones", "", Invalid},
		{"number", "a cast that fails must not count as absence", 1, Invalid},
		{"list", "a search in a list and a search in a text are one call in Python", []string{"JWT"}, Invalid},
	} {
		rows = append(rows, Attack{"typ " + row.name, row.breaks, f.header(Fields{"typ": row.typ}), row.want})
	}
	nest := strings.Replace(f.text("RS256", ""), "{", `{"cty":"JWT",`, 1)
	inner := f.unsigned(`{"alg":"none"}`, "")
	return append(
		rows,
		Attack{"claim typ Bearer", "Keycloak writes it into each access token", f.claim("typ", "Bearer"), Accepted},
		Attack{"claim typ ID", "an ID token of the same user is signed with the same key, and browsers hold it", f.claim("typ", "ID"), Invalid},
		Attack{"claim typ Refresh", "refresh tokens live for weeks, and access tokens for minutes on purpose", f.claim("typ", "Refresh"), Invalid},
		Attack{"claim typ Offline", "offline tokens never expire at all", f.claim("typ", "Offline"), Invalid},
		Attack{"claim typ Logout", "it goes to every client of the session, and names the user", f.claim("typ", "Logout"), Invalid},
		Attack{"claim typ DPoP", "it is bound to a key the caller need not show here, so that a stolen one works", f.claim("typ", "DPoP"), Invalid},
		Attack{"bound to a key of DPoP", "the same without the typ of Keycloak: a stolen one works where the key is not asked for", f.claim("cnf", Fields{"jkt": "AAAA"}), Invalid},
		Attack{"bound to a certificate", "the binding is to TLS that ends in front of the service, which cannot see the certificate", f.claim("cnf", Fields{"x5t#S256": "AAAA"}), Invalid},
		Attack{"ID token without typ", "providers other than Keycloak tell it apart by its claims only, and browsers hold it", f.claim("at_hash", "AAAA"), Invalid},
		Attack{"ID token of the hybrid flow", "it travels in an address, and so through logs and histories", f.claim("c_hash", "AAAA"), Invalid},
		Attack{"ID token of FAPI", "it stands in the answer of the login, where the browser sees it", f.claim("s_hash", "AAAA"), Invalid},
		Attack{
			"logout token without typ", "older providers send it as a plain JWT, to every client of the session",
			f.claim("events", Fields{"http://schemas.openid.net/event/backchannel-logout": Fields{}}), Invalid,
		},
		Attack{"nonce", "older versions of Keycloak write the nonce of the login into access tokens too", f.claim("nonce", "AAAA"), Accepted},
		Attack{"claim typ null", "it is there and is not Bearer, and a decoder that drops null calls it absent", f.first(`"typ":null`), Invalid},
		Attack{"claim typ list", "a search for Bearer in the list finds it beside ID", f.claim("typ", []string{"Bearer", "ID"}), Invalid},
		Attack{"token in a token", "a verifier that unwraps it accepts the unsigned inner claims", SignRaw(f.tb, "RS256", f.Key("RS256"), nest, inner), Invalid},
	)
}
