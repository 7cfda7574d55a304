// SPDX-License-Identifier: Apache-2.0

package auth

import "errors"

// Kind says what is wrong with the credentials, in as much detail as a client may learn.
type Kind int

// The kinds of failure, with the answers RFC 6750 section 3 foresees for them.
const (
	// NoCredentials means that there was no Authorization header: 401 with a plain challenge.
	NoCredentials Kind = iota + 1
	// MalformedRequest means that there were several credentials: 400, "invalid_request".
	MalformedRequest
	// InvalidToken means that the token is not good, for whatever reason: 401, "invalid_token".
	InvalidToken
	// ExpiredToken means that the token was good once: 401, "invalid_token". It is told apart
	// because clients fetch a new token on it.
	ExpiredToken
	// NoUser means that the token is good but names no user: 403.
	NoUser
	// KeysUnavailable means that the token cannot be judged now: 503, no challenge.
	KeysUnavailable
)

// String returns the kind in words, for logs.
func (k Kind) String() string {
	switch k {
	case NoCredentials:
		return "no credentials"
	case MalformedRequest:
		return "malformed request"
	case InvalidToken:
		return "invalid token"
	case ExpiredToken:
		return "expired token"
	case NoUser:
		return "no user"
	case KeysUnavailable:
		return "keys unavailable"
	}
	return "unknown kind"
}

// Error is what Authenticate returns when there is no Principal. Only its Kind is meant for
// clients; the text is meant for logs. Neither holds anything that was taken from the token.
type Error struct {
	Kind  Kind
	cause error
}

// Error returns the kind and the reason.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Kind.String()
	}
	return e.Kind.String() + ": " + e.cause.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.cause }

// fail returns an error of the given kind. It returns the interface, so that a nil *Error can
// never end up in a variable of type error.
func fail(kind Kind, cause error) error { return &Error{Kind: kind, cause: cause} }

// The reasons. They are constants in words of our own: the libraries' messages quote the key id
// and other parts of the token, which a stranger can fill with anything.
var (
	errNoHeader     = errors.New("no authorization header")
	errSeveral      = errors.New("more than one credential")
	errScheme       = errors.New("not the bearer scheme")
	errEmpty        = errors.New("empty bearer token")
	errTooLong      = errors.New("token is too long")
	errSegments     = errors.New("token does not have three segments")
	errEncoding     = errors.New("token is not strict base64url")
	errHeader       = errors.New("token header is not a sound JSON object")
	errPayload      = errors.New("token payload is not a sound JSON object")
	errAlgorithm    = errors.New("algorithm is not accepted")
	errType         = errors.New("type of token is not accepted")
	errForeign      = errors.New("token is of another kind, or bound to a key that is not shown")
	errKeyID        = errors.New("key id is missing or not usable")
	errHeaderMember = errors.New("header has a member that is not accepted")
	errTime         = errors.New("exp, nbf or iat is not a date")
	errParty        = errors.New("iss or aud has the wrong shape")
	errIssuer       = errors.New("issuer is not accepted")
	errAudience     = errors.New("audience is not accepted")
	errMissing      = errors.New("a required claim is missing")
	errNotYet       = errors.New("token is not valid yet")
	errExpired      = errors.New("token has expired")
	errLifetime     = errors.New("token lives too long")
	errSignature    = errors.New("signature does not verify")
	errUnknownKey   = errors.New("signing key is not known")
	errPeer         = errors.New("peer is not trusted")
	errUser         = errors.New("user_id is missing or not usable")
	errNotLoaded    = errors.New("keys of the issuer were never loaded")
	errCrowded      = errors.New("too many tokens wait for keys")
	errGaveUp       = errors.New("request ended before the key was found")
)
