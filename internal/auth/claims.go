// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// claims holds the claims of a token, read by exact name. It implements jwt.Claims, so that the
// library's validator sees exactly what this package has read.
type claims struct {
	exp, nbf, iat *jwt.NumericDate
	iss           string
	aud           jwt.ClaimStrings
	fields        map[string]json.RawMessage
}

// readClaims reads the dates of a payload (RFC 7519 section 4.1). A date must be a JSON number;
// null and a string are errors.
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

// readParty reads iss and aud (RFC 7519 sections 4.1.1 and 4.1.3). Only the Verifier needs them.
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

// principal returns the caller. It does not fall back to sub, which identifies users in another
// system: the caller could see another user's jobs.
func (c *claims) principal() (Principal, error) {
	userID, ok := readString(c.fields["user_id"])
	if !ok || userID == "" || strings.ContainsRune(userID, 0) {
		return Principal{}, fail(NoUser, errUser)
	}
	p := Principal{UserID: userID}
	// Roles and user type only grant rights. Malformed ones grant none.
	if access, err := readObject(c.fields["realm_access"]); err == nil {
		p.Roles, _ = readStrings(access["roles"])
	}
	if userType, ok := readString(c.fields["user_type"]); ok && !strings.ContainsRune(userType, 0) {
		p.UserType = userType
	}
	return p, nil
}

// claimsError converts an error of the library's validator. ExpiredToken makes clients fetch a new
// token, so it is returned only when expiry is the only fault.
func claimsError(err error) error {
	for _, fault := range []struct {
		library error
		kind    Kind
		own     error
	}{
		{jwt.ErrTokenInvalidIssuer, InvalidToken, errIssuer},
		{jwt.ErrTokenInvalidAudience, InvalidToken, errAudience},
		{jwt.ErrTokenRequiredClaimMissing, InvalidToken, errMissing},
		{jwt.ErrTokenNotValidYet, InvalidToken, errNotYet},
		{jwt.ErrTokenUsedBeforeIssued, InvalidToken, errNotYet},
		{jwt.ErrTokenExpired, ExpiredToken, errExpired},
	} {
		if errors.Is(err, fault.library) {
			return fail(fault.kind, fault.own)
		}
	}
	return fail(InvalidToken, errMissing)
}

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

// GetSubject implements jwt.Claims. The service does not use the subject.
func (c *claims) GetSubject() (string, error) { return "", nil }
