// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// unsignedClaims has its fields in the order of the published examples.
type unsignedClaims struct {
	UserID      string `json:"user_id"`
	RealmAccess struct {
		Roles []string `json:"roles"`
	} `json:"realm_access"`
	UserType string `json:"user_type,omitempty"`
	Expires  int64  `json:"exp,omitempty"`
}

// UnsignedToken returns a token without a signature (RFC 7519 section 6), as in the published
// examples. A Gateway accepts it from a trusted peer, a Verifier never does. A zero expires omits
// exp.
func UnsignedToken(p Principal, expires time.Time) string {
	claims := unsignedClaims{UserID: p.UserID, UserType: p.UserType}
	claims.RealmAccess.Roles = append([]string{}, p.Roles...)
	if !expires.IsZero() {
		claims.Expires = expires.Unix()
	}
	payload, _ := json.Marshal(claims) //nolint:errchkjson // strings and a number always encode
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
}
