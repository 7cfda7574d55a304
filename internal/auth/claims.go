// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// claims are the claims of a token as this package reads them, by exact name. They implement
// jwt.Claims, so that the library judges exactly what was read here.
type claims struct {
	exp, nbf, iat *jwt.NumericDate
	iss           string
	aud           jwt.ClaimStrings
	fields        map[string]json.RawMessage
}

// readClaims reads the dates of a payload (RFC 7519 section 4.1). Claims that are present must be
// JSON numbers: null is not absence, and a number in quotes is not a number.
func readClaims(fields map[string]json.RawMessage) (*claims, error) {
	c := &claims{fields: fields}
	for name, target := range map[string]**jwt.NumericDate{"exp": &c.exp, "nbf": &c.nbf, "iat": &c.iat} {
		raw, present := fields[name]
		if !present {
			continue
		}
		date, ok := readDate(raw)
		if !ok {
			return nil, fail(InvalidToken, errTime)
		}
		*target = date
	}
	return c, nil
}

// readParty reads who made the token and for whom (RFC 7519 sections 4.1.1 and 4.1.3). Only the
// Verifier needs to know.
func (c *claims) readParty() error {
	if raw, present := c.fields["iss"]; present {
		iss, ok := readString(raw)
		if !ok {
			return fail(InvalidToken, errParty)
		}
		c.iss = iss
	}
	if raw, present := c.fields["aud"]; present {
		if one, ok := readString(raw); ok {
			c.aud = jwt.ClaimStrings{one}
		} else if c.aud, ok = readStrings(raw); !ok {
			return fail(InvalidToken, errParty)
		}
	}
	return nil
}

// principal returns the caller. There is no falling back to sub: it names the user in another
// register, so the caller would see somebody else's jobs or none.
func (c *claims) principal() (Principal, error) {
	userID, ok := readString(c.fields["user_id"])
	if !ok || userID == "" || strings.ContainsRune(userID, 0) {
		return Principal{}, fail(NoUser, errUser)
	}
	p := Principal{UserID: userID}
	// Roles and user type grant rights and nothing else, so that misshapen ones grant nothing.
	if access, err := readObject(c.fields["realm_access"]); err == nil {
		p.Roles, _ = readStrings(access["roles"])
	}
	if userType, ok := readString(c.fields["user_type"]); ok && !strings.ContainsRune(userType, 0) {
		p.UserType = userType
	}
	return p, nil
}

// judge turns the library's verdict into ours. ExpiredToken invites the client to come again with
// a new token of the same kind, so expiry counts only when it is the sole fault.
func judge(err error) error {
	for _, fault := range []struct {
		theirs error
		kind   Kind
		ours   error
	}{
		{errGaveUp, KeysUnavailable, errGaveUp},
		{errCrowded, KeysUnavailable, errCrowded},
		{jwt.ErrTokenMalformed, InvalidToken, errEncoding},
		{errUnknownKey, InvalidToken, errUnknownKey},
		{jwt.ErrTokenUnverifiable, InvalidToken, errSignature},
		{jwt.ErrTokenSignatureInvalid, InvalidToken, errSignature},
		{jwt.ErrTokenInvalidIssuer, InvalidToken, errIssuer},
		{jwt.ErrTokenInvalidAudience, InvalidToken, errAudience},
		{jwt.ErrTokenRequiredClaimMissing, InvalidToken, errMissing},
		{jwt.ErrTokenNotValidYet, InvalidToken, errNotYet},
		{jwt.ErrTokenUsedBeforeIssued, InvalidToken, errNotYet},
		{jwt.ErrTokenExpired, ExpiredToken, errExpired},
	} {
		if errors.Is(err, fault.theirs) {
			return fail(fault.kind, fault.ours)
		}
	}
	return fail(InvalidToken, errSignature)
}

// UnmarshalJSON does nothing: the library calls it with the payload that was read already, by
// stricter rules than its own.
func (c *claims) UnmarshalJSON([]byte) error { return nil }

// GetExpirationTime implements jwt.Claims.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.exp, nil }

// GetNotBefore implements jwt.Claims.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return c.nbf, nil }

// GetIssuedAt implements jwt.Claims.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.iat, nil }

// GetIssuer implements jwt.Claims.
func (c *claims) GetIssuer() (string, error) { return c.iss, nil }

// GetAudience implements jwt.Claims.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return c.aud, nil }

// GetSubject implements jwt.Claims. The subject plays no part here.
func (c *claims) GetSubject() (string, error) { return "", nil }
