// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// Principal is the caller that a token identifies, from the claims user_id, realm_access.roles and
// user_type. All requests with the same token share it, so it must not be changed.
type Principal struct {
	// UserID is the owner of the visible data. It is never empty and contains no NUL byte, which
	// Postgres refuses.
	UserID string
	// Roles are the realm roles; nil when the token has no valid list of them.
	Roles []string
	// UserType is a word such as SYSTEM, PATIENT or PRACTITIONER, or empty.
	UserType string
}

// HasRole reports whether the caller has the role or a wildcard that covers it. A role that ends in
// a star covers every role with the same prefix: Binary.* covers Binary.read. A star alone covers
// nothing. Role names are case-sensitive.
func (p Principal) HasRole(role string) bool {
	return slices.ContainsFunc(p.Roles, func(held string) bool {
		stem, wild := strings.CutSuffix(held, "*")
		return held == role || wild && stem != "" && strings.HasPrefix(role, stem)
	})
}

// Credentials are the parts of a request that identify its caller.
type Credentials struct {
	// Authorization holds every value of the Authorization header (RFC 9110 section 11.6.2),
	// because a request with two values is malformed.
	Authorization []string
	// Peer is the address of the TCP peer, never one from a forwarding header.
	Peer netip.Addr
}

// Authenticator turns credentials into a Principal.
type Authenticator interface {
	// Authenticate returns the caller. Its error is always an *Error.
	Authenticate(ctx context.Context, c Credentials) (Principal, error)
	// Ready returns nil when tokens can be verified.
	Ready(ctx context.Context) error
}
