// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"slices"
	"strings"
)

// acceptedAlgorithms are the accepted algorithms (RFC 8725 section 3.1). All of them are asymmetric,
// so that neither an unsigned token nor one keyed with a public key is accepted.
var acceptedAlgorithms = [...]string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// refusedMembers are refused in a header: extensions that this package does not implement (crit and
// b64, RFC 7515 section 4.1.11 and RFC 7797; zip and enc, RFC 7516), and members that would make
// the service trust a key from the token (RFC 8725 section 3.10).
var refusedMembers = [...]string{"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"}

// maxKeyID is the maximum length of a key id.
const maxKeyID = 256

// header is the header of a token that the policy accepts.
type header struct{ algorithm, keyID string }

// readHeader applies the policy for headers. It requires a key id, because a key is for one
// algorithm and one use.
func readHeader(members map[string]json.RawMessage) (header, error) {
	alg, ok := readString(members["alg"])
	if !ok || !slices.Contains(acceptedAlgorithms[:], alg) {
		return header{}, fail(InvalidToken, errAlgorithm)
	}
	for _, name := range refusedMembers {
		if _, present := members[name]; present {
			return header{}, fail(InvalidToken, errHeaderMember)
		}
	}
	if raw, present := members["typ"]; present {
		typ, ok := readString(raw)
		// A media type without regard to case; "application/" is optional (RFC 7515 section 4.1.9).
		typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
		// Other kinds of tokens of the same issuer are refused (RFC 8725 section 3.11).
		if !ok || typ != "jwt" && typ != "at+jwt" {
			return header{}, fail(InvalidToken, errType)
		}
	}
	kid, ok := readString(members["kid"])
	if !ok || kid == "" || len(kid) > maxKeyID || strings.ContainsRune(kid, 0) {
		return header{}, fail(InvalidToken, errKeyID)
	}
	return header{algorithm: alg, keyID: kid}, nil
}

// foreignClaims are claims of tokens that are no plain access tokens, whatever their typ. ID tokens
// have at_hash, c_hash and s_hash (OpenID Connect Core 1.0 section 3.3.2.11, FAPI 1.0 part 2 section
// 5.1.1). Security event and logout tokens have events (RFC 8417 section 2.2). A token with cnf is
// bound to a key of the caller (RFC 7800 section 3), which this package does not check.
var foreignClaims = [...]string{"at_hash", "c_hash", "s_hash", "events", "cnf"}

// checkType refuses other kinds of tokens of the same issuer, such as ID tokens, which have the same
// signing key (RFC 8725 section 3.12). Keycloak tells its kinds apart by the claim typ.
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
