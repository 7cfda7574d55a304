// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// defaultLeeway is the tolerated difference of clocks.
const defaultLeeway = 30 * time.Second

// GatewayOptions configure a Gateway.
type GatewayOptions struct {
	// TrustedPeers are the addresses of trusted gateways. When it is empty, no token is accepted.
	TrustedPeers []netip.Prefix
	// Leeway is the tolerated difference of clocks. Zero means 30 seconds, a negative value none.
	Leeway time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Gateway decodes tokens that a gateway in front of the service has verified, such as a sidecar of
// a service mesh. It checks no signature, so it accepts tokens from trusted peers only.
type Gateway struct {
	peers     []netip.Prefix
	validator *jwt.Validator
}

var _ Authenticator = (*Gateway)(nil)

// NewGateway returns a Gateway.
func NewGateway(o GatewayOptions) *Gateway {
	return &Gateway{
		peers: slices.Clone(o.TrustedPeers),
		validator: jwt.NewValidator(
			jwt.WithLeeway(leeway(o.Leeway)),
			jwt.WithTimeFunc(clock(o.Now)),
		),
	}
}

// Authenticate decodes the claims. exp is optional, because the published example token has none.
// A token with exp must not have expired.
func (g *Gateway) Authenticate(_ context.Context, c Credentials) (Principal, error) {
	token, err := bearerToken(c.Authorization)
	if err != nil {
		return Principal{}, err
	}
	if !g.trusts(c.Peer) {
		return Principal{}, fail(InvalidToken, errPeer)
	}
	parsed, err := parseToken(token)
	if err != nil {
		return Principal{}, err
	}
	claims, err := readClaims(parsed.payload)
	if err != nil {
		return Principal{}, err
	}
	if err := g.validator.Validate(claims); err != nil {
		return Principal{}, claimsError(err)
	}
	return claims.principal()
}

// Ready returns nil, because a Gateway needs no keys.
func (g *Gateway) Ready(context.Context) error { return nil }

// trusts reports whether peer is a trusted peer. An IPv4-mapped IPv6 address counts as the IPv4
// address, and the zone is ignored.
func (g *Gateway) trusts(peer netip.Addr) bool {
	peer = peer.Unmap().WithZone("")
	return slices.ContainsFunc(g.peers, func(p netip.Prefix) bool { return p.Contains(peer) })
}

func leeway(d time.Duration) time.Duration {
	if d == 0 {
		return defaultLeeway
	}
	return max(d, 0)
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
