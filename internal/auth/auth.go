// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// Principal is the caller as the token describes them. The claim names are those of the
// platform's own tokens: user_id, realm_access.roles and user_type. It is shared by all requests
// with the same token and must not be changed.
type Principal struct {
	// UserID says whose data may be shown. It is never empty and never holds a NUL byte,
	// which Postgres would refuse.
	UserID string
	// Roles are the realm roles, nil when the token has none that can be read.
	Roles []string
	// UserType is SYSTEM, PATIENT, PRACTITIONER and the like, or empty.
	UserType string
}

// HasRole says whether the caller holds the role, or a wildcard that covers it: one that ends in
// a star covers every role that begins with what stands before it, as Binary.* covers Binary.read.
// A star alone covers nothing. Role names are compared exactly: two roles that differ in case are
// two roles.
func (p Principal) HasRole(role string) bool {
	return slices.ContainsFunc(p.Roles, func(held string) bool {
		stem, wild := strings.CutSuffix(held, "*")
		return held == role || wild && stem != "" && strings.HasPrefix(role, stem)
	})
}

// Credentials are what a request brings along to identify its caller.
type Credentials struct {
	// Authorization holds every value of the Authorization header as received (RFC 9110
	// section 11.6.2). All of them are needed, because two of them make a request malformed.
	Authorization []string
	// Peer is the address of the TCP peer, not one taken from a forwarding header.
	Peer netip.Addr
}

// Authenticator turns credentials into a Principal.
type Authenticator interface {
	// Authenticate returns the caller. The error, if any, is always an *Error.
	Authenticate(ctx context.Context, c Credentials) (Principal, error)
	// Ready returns nil as soon as tokens can be judged.
	Ready(ctx context.Context) error
}
