// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"slices"
	"strings"
)

// methods are the accepted algorithms (RFC 8725 section 3.1): asymmetric ones only, so that
// neither an unsigned token nor one keyed with a public key can ever pass.
var methods = [...]string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// refusedMembers must not stand in a header: extensions this package does not implement (crit and
// b64, RFC 7515 section 4.1.11 and RFC 7797; zip and enc, RFC 7516), and invitations to trust a
// key that the token brings along (RFC 8725 section 3.10).
var refusedMembers = [...]string{"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"}

// maxKeyID bounds what is compared with the ids of the known keys.
const maxKeyID = 256

// checkHeader is the policy for headers. A key id is required, because without one the key
// function would try every key, whatever use and algorithm it is meant for.
func checkHeader(header map[string]json.RawMessage) error {
	if alg, ok := readString(header["alg"]); !ok || !slices.Contains(methods[:], alg) {
		return fail(InvalidToken, errAlgorithm)
	}
	for _, name := range refusedMembers {
		if _, present := header[name]; present {
			return fail(InvalidToken, errHeaderMember)
		}
	}
	if raw, present := header["typ"]; present {
		typ, ok := readString(raw)
		// RFC 7515 section 4.1.9: a media type, so without regard to case, "application/" optional.
		typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
		// RFC 8725 section 3.11: another kind of token of the same issuer is not for us.
		if !ok || typ != "jwt" && typ != "at+jwt" {
			return fail(InvalidToken, errType)
		}
	}
	kid, ok := readString(header["kid"])
	if !ok || kid == "" || len(kid) > maxKeyID || strings.ContainsRune(kid, 0) {
		return fail(InvalidToken, errKeyID)
	}
	return nil
}

// foreignClaims give away a token that is no plain access token, whatever its typ says: at_hash,
// c_hash and s_hash stand in ID tokens only (OpenID Connect Core 1.0 section 3.3.2.11, FAPI 1.0 part 2
// section 5.1.1), events in security
// event and logout tokens (RFC 8417 section 2.2). One with cnf is worth nothing without the key it
// is bound to (RFC 7800 section 3), and whether the caller holds that is not checked here.
var foreignClaims = [...]string{"at_hash", "c_hash", "s_hash", "events", "cnf"}

// checkType looks at the claim by which Keycloak tells its kinds of token apart, since their
// headers are all alike, and at claims that other kinds have. An ID token of the same user is
// signed with the same key, but it is meant for the client and not for us (RFC 8725 section 3.12).
func (c *claims) checkType() error {
	for _, name := range foreignClaims {
		if _, present := c.fields[name]; present {
			return fail(InvalidToken, errForeign)
		}
	}
	raw, present := c.fields["typ"]
	if !present {
		return nil
	}
	if typ, ok := readString(raw); !ok || !strings.EqualFold(typ, "Bearer") {
		return fail(InvalidToken, errType)
	}
	return nil
}
