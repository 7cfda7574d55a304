// SPDX-License-Identifier: Apache-2.0

package authtest

import "strings"

// issuers returns tokens that name another issuer. The valid key signs them, as at a provider that has
// one key for all tenants.
func (f *forger) issuers() []Attack {
	iss := f.Issuer()
	other := strings.Replace(iss, "127.0.0.1", "localhost", 1)
	rows := []Attack{
		{"iss with escaped slashes", "PHP writes every slash like that", f.raw(`"iss":"`+iss, `"iss":"`+strings.ReplaceAll(iss, "/", `\/`)), Accepted},
		{"iss null", "null reads as the empty text, which means any issuer to the library used here", f.raw(`"iss":`, `"iss":null,"was":`), Invalid},
		{"iss twice", "one reader chooses the keys by the first, the other writes the last into the log", f.raw(`"iss":`, `"iss":"`+Canary+`","iss":`), Invalid},
		{"ISS after iss", "encoding/json reads both into one field", f.raw(`"iss":`, `"ISS":"`+Canary+`","iss":`), Invalid},
		{"iss with the long s", "it folds to s, so that encoding/json reads both into one field", f.raw(`"iss":`, `"i`+"\u017f\u017f"+`":"`+Canary+`","iss":`), Invalid},
	}
	for _, row := range []struct {
		name, breaks string
		iss          any
	}{
		{"wrong", "any tenant of the same provider could make tokens for this one", "https://canary.example"},
		{"missing", "a check that needs iss to be there lets through who leaves it out", nil},
		{"empty", "the library used here takes an empty expectation for none, and so may the next", ""},
		{"list", "a search in the list finds the right one beside another", []string{iss, Canary}},
		{"object", "whatever it prints as is compared", Fields{"iss": iss}},
		{"number", "a cast that fails leaves the empty text", 1},
		{"with a slash", "RFC 7519 compares texts, and at some providers the path names the tenant", iss + "/"},
		{"without its last letter", "a check by prefix, the wrong way round", iss[:len(iss)-1]},
		{"in capitals", "paths have case, and tenants may differ in nothing else", strings.ToUpper(iss)},
		{"with a blank", "the log shows nothing of it, and a cache by issuer holds two", iss + " "},
		{"with a NUL", "code in C compares up to the NUL", iss + "\x00" + Canary},
		{"percent-encoded", "who normalises addresses makes two tenants one", strings.Replace(iss, "127", "%3127", 1)},
		{"look-alike", "who normalises to NFKC before comparing takes the wide digit for the other", strings.Replace(iss, "1", "\uff11", 1)},
		{"with dots", "who cleans the path arrives at the right one from a tenant's own", iss + "/canary/.."},
		{"with a query", "a check by prefix, and what follows chooses another tenant", iss + "?tenant=canary"},
		{"with a fragment", "who parses the address drops the fragment before comparing", iss + "#canary"},
		{"with a user", "a check by prefix up to the at sign, behind which the real host stands", iss + "@canary.example"},
		{"as prefix", "a check by prefix without an end accepts this host", iss + ".canary.example"},
		{"inside", "a check whether the text contains the issuer", "https://canary.example/?" + iss},
		{"by another name", "both names lead to one machine, but only one is agreed on", other},
	} {
		rows = append(rows, Attack{"iss " + row.name, row.breaks, f.claim("iss", row.iss), Invalid})
	}
	return rows
}

// audiences returns tokens for another service, which that service could forward to this one.
func (f *forger) audiences() []Attack {
	aud := f.audience
	rows := []Attack{
		{"aud null", "null reads as no audience, and no audience as any", f.raw(`"aud":`, `"aud":null,"was":`), Invalid},
		{"aud twice", "the gateway looked at the first, the service looks at the last", f.raw(`"aud":`, `"aud":"`+Canary+`","aud":`), Invalid},
		{"AUD after aud", "encoding/json reads both into one field", f.raw(`"aud":`, `"AUD":"`+Canary+`","aud":`), Invalid},
	}
	for _, row := range []struct {
		name, breaks string
		aud          any
		want         Verdict
	}{
		{"list", "Keycloak lists every client the user has a role in", []string{"EHealth", aud}, Accepted},
		{"wrong", "a service that got the token for itself passes it on", Canary, Invalid},
		{"missing", "a check that skips a missing aud accepts tokens for other services", nil, Invalid},
		{"empty", "the empty text is contained in every text", "", Invalid},
		{"empty list", "for all of none, anything holds", []string{}, Invalid},
		{"mixed list", "a decoder that fails at the number leaves what it had, or nothing, depending on the library", []any{aud, 1}, Invalid},
		{"list in a list", "flattening makes the audience of one reader out of another's", []any{[]string{aud}}, Invalid},
		{"object", "a test for a key in a map and for an element in a list are one word in Python", Fields{aud: true}, Invalid},
		{"number", "a cast that fails leaves an empty list, and a loop over it finds nothing wrong", 7, Invalid},
		{"longer", "a check by prefix, and services are named by prefix", aud + "-admin", Invalid},
		{"shorter", "a check whether the expected text contains it", aud[:len(aud)-1], Invalid},
		{"in capitals", "RFC 7519 section 4.1.3 compares with case, so that two clients may differ in it", strings.ToUpper(aud), Invalid},
		{"with a blank", "who trims makes one client of two", aud + " ", Invalid},
		{"several in a text", "a scope is a list in one text, an audience is not", "EHealth " + aud, Invalid},
		{"star", "the sign for all is a sign for nothing here", "*", Invalid},
	} {
		rows = append(rows, Attack{"aud " + row.name, row.breaks, f.claim("aud", row.aud), row.want})
	}
	return rows
}
