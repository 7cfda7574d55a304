// SPDX-License-Identifier: Apache-2.0

package auth

import "errors"

// Kind classifies a failure as far as a client may know it. The zero value is no failure.
type Kind int

// The kinds of failure, with their responses (RFC 6750 section 3).
const (
	// NoCredentials: the request has no Authorization header. 401 with a plain challenge.
	NoCredentials Kind = iota + 1
	// MalformedRequest: the request has several credentials. 400, "invalid_request".
	MalformedRequest
	// InvalidToken: the token is not accepted. 401, "invalid_token".
	InvalidToken
	// ExpiredToken: the token has expired and has no other fault. 401, "invalid_token". Clients
	// fetch a new token.
	ExpiredToken
	// NoUser: the token is valid but has no user_id. 403.
	NoUser
	// KeysUnavailable: the token cannot be verified at the moment. 503, no challenge.
	KeysUnavailable
)

// String returns the name of the kind for logs.
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

// Error is the error of Authenticate. Its Kind is for clients, its text for logs. Neither contains
// any part of the token.
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

// fail returns an error of a kind. It returns the interface, so that no nil *Error becomes a
// non-nil error.
func fail(kind Kind, cause error) error { return &Error{Kind: kind, cause: cause} }

// The reasons. They are constants, because the messages of the libraries contain the key id and
// other parts of the token, which any client can choose.
var (
	errNoHeader     = errors.New("no authorization header")
	errSeveral      = errors.New("more than one credential")
	errScheme       = errors.New("not the bearer scheme")
	errEmpty        = errors.New("empty bearer token")
	errTooLong      = errors.New("token is too long")
	errSegments     = errors.New("token does not have three segments")
	errEncoding     = errors.New("token is not strict base64url")
	errHeader       = errors.New("token header is not a valid JSON object")
	errPayload      = errors.New("token payload is not a valid JSON object")
	errAlgorithm    = errors.New("algorithm is not accepted")
	errType         = errors.New("type of token is not accepted")
	errForeign      = errors.New("token is of another kind, or bound to a key")
	errKeyID        = errors.New("key id is missing or invalid")
	errHeaderMember = errors.New("header has a member that is not accepted")
	errTime         = errors.New("exp, nbf or iat is not a number")
	errParty        = errors.New("iss or aud has the wrong type")
	errIssuer       = errors.New("issuer is not accepted")
	errAudience     = errors.New("audience is not accepted")
	errMissing      = errors.New("a required claim is missing")
	errNotYet       = errors.New("token is not valid yet")
	errExpired      = errors.New("token has expired")
	errLifetime     = errors.New("token expires too far in the future")
	errSignature    = errors.New("signature is invalid")
	errUnknownKey   = errors.New("signing key is unknown")
	errPeer         = errors.New("peer is not trusted")
	errUser         = errors.New("user_id is missing or invalid")
	errNotLoaded    = errors.New("keys of the issuer are not loaded yet")
	errCrowded      = errors.New("too many tokens wait for a load of the keys")
	errGaveUp       = errors.New("client disconnected before the keys were loaded")
)
