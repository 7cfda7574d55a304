// SPDX-License-Identifier: Apache-2.0

package authtest

// users returns tokens with no user or with two.
func (f *forger) users() []Attack {
	insert := func(text string) string { return f.user(`"user_id":"` + AttackUser + `",` + text) }
	rows := []Attack{
		{"user escaped", "an escaped letter is the same letter to every JSON reader", f.user(`"\u0075ser_id":"\u0075"`), Accepted},
		{"user null", "null must not become the empty user", f.user(`"user_id":null`), NoUser},
		{"user missing", "sub can be the id of another user", f.with(Fields{"user_id": nil, "sub": Canary, "preferred_username": Canary}), NoUser},
		{"user in capitals only", "encoding/json reads it as user_id, which no other reader does", f.user(`"USER_ID":"` + Canary + `"`), NoUser},
		{"user in a prototype", "JavaScript finds inherited members, and this one sets what is inherited", f.user(`"__proto__":{"user_id":"` + Canary + `"}`), NoUser},
		{"user nested", "a search by name at any depth finds what a user can write into a profile", f.user(`"address":{"user_id":"` + Canary + `"}`), NoUser},
		{"user twice", "the last of two wins in encoding/json and the first elsewhere: log and service see two users", insert(`"user_id":"` + Canary + `"`), Invalid},
		{"user twice, one null", "parsers differ: one sees the user, the other none", insert(`"user_id":null`), Invalid},
		{"user in capitals too", "encoding/json reads both into one field and keeps the last", insert(`"USER_ID":"` + Canary + `"`), Invalid},
		{"user twice, one name escaped", "a filter that compares names before it unescapes them sees one user", insert(`"\u0075ser_id":"` + Canary + `"`), Invalid},
		{"user with the long s too", "it folds to s, so that encoding/json reads both into one field", insert(`"u` + "\u017f" + `er_id":"` + Canary + `"`), Invalid},
		{"user not UTF-8", "the byte is replaced by readers that do not say so, and two users become one", f.user("\"user_id\":\"u\xff\""), Invalid},
		{"user in overlong UTF-8", "two bytes for one letter, which a filter for that letter does not know", f.user("\"user_id\":\"\xc1\xb5\""), Invalid},
		{"user half a surrogate", "readers replace it by U+FFFD, so that two users become one", f.user(`"user_id":"u\ud800"`), Invalid},
		{"user half a surrogate in bytes", "the same half as three bytes, which UTF-8 forbids and Java writes", f.user("\"user_id\":\"u\xed\xa0\x80\""), Invalid},
		{"user with a NUL in bytes", "control characters must be escaped in JSON, and code in C ends the name there", f.user("\"user_id\":\"u\x00\""), Invalid},
	}
	for _, row := range []struct {
		name, breaks string
		user         any
	}{
		{"number", "the number 7 and the text 7 become one user, and long numbers lose their last digits", 7},
		{"true", "it prints as the user named true", true},
		{"empty", "rows without a user match the empty one", ""},
		{"list", "one reader takes the first element, another prints them all", []string{AttackUser}},
		{"object", "an object becomes a condition in a query that is built from JSON", Fields{"$ne": ""}},
		{"with a NUL", "Postgres refuses the text, so that a good signature would cause an error 500", "u\x00"},
	} {
		rows = append(rows, Attack{"user " + row.name, row.breaks, f.claim("user_id", row.user), NoUser})
	}
	return rows
}

// roles returns tokens with malformed roles. The user is accepted, without a role.
func (f *forger) roles() []Attack {
	type list = []any
	role := AttackRole
	access := func(roles any) string { return f.claim("realm_access", Fields{"roles": roles}) }
	raw := func(text string) string { return f.raw(`"realm_access":`, text+`,"was":`) }
	return []Attack{
		{"roles text", "a test for containment in a list and in a text are one word in Python: r is in admirer", access(role), Roleless},
		{"roles object", "a test for a key in a map looks like one for an element in a list", access(Fields{role: true}), Roleless},
		{"roles mixed", "a decoder that fails half-way leaves the roles before the failure", access(list{role, 1}), Roleless},
		{"roles with null", "null reads as the empty role, which a rule without a name asks for", access(list{role, nil}), Roleless},
		{"roles nested", "flattening the list grants roles", access(list{list{role}}), Roleless},
		{"roles null", "a client without any role gets this from some providers, and is a user still", access(nil), Roleless},
		{"realm_access missing", "a client without any role gets a token without the claim, and is a user still", f.claim("realm_access", nil), Roleless},
		{"realm_access null", "null is no error to most decoders and no role to any", raw(`"realm_access":null`), Roleless},
		{"realm_access list", "the list itself is taken for the roles", f.claim("realm_access", list{role}), Roleless},
		{"realm_access number", "a cast that panics turns each request with it into an error 500", f.claim("realm_access", 1), Roleless},
		{"realm_access in other case only", "encoding/json reads it as realm_access, which the provider never meant", raw(`"Realm_Access":{"roles":["` + role + `"]}`), Roleless},
		{"roles in two cases", "encoding/json adds both lists to one field and keeps the last", raw(`"realm_access":{"roles":["` + role + `"],"ROLES":["` + Canary + `"]}`), Roleless},
		{"roles of another client", "roles of another client have another meaning", f.with(Fields{
			"realm_access": nil, "resource_access": Fields{"account": Fields{"roles": list{role}}},
		}), Roleless},
		{"roles at the top", "a claim a client may fill by itself, at providers with free claims", f.with(Fields{"realm_access": nil, "roles": list{role}}), Roleless},
		{"roles twice", "one reader grants the first list, the other writes the last into the log", raw(`"realm_access":{"roles":["` + role + `"],"roles":["` + Canary + `"]}`), Invalid},
		{"realm_access in two cases", "encoding/json reads both into one field, so that the second adds roles", raw(
			`"REALM_ACCESS":{"roles":["` + Canary + `"]},"realm_access":{"roles":["` + role + `"]}`,
		), Invalid},
	}
}
