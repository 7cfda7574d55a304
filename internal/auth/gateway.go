// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// defaultLeeway is how far clocks may differ when nothing else is asked for.
const defaultLeeway = 30 * time.Second

// GatewayOptions are the settings of a Gateway.
type GatewayOptions struct {
	// TrustedPeers are the addresses whose word is taken. When empty, nobody's is.
	TrustedPeers []netip.Prefix
	// Leeway is how far clocks may differ: 0 stands for 30 seconds, a negative value for none.
	Leeway time.Duration
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
}

// Gateway decodes tokens that something in front of the service has verified, such as a sidecar
// of a service mesh. It checks no signature, which is why only trusted peers get through.
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

// Authenticate decodes the claims. The seed's token has no exp, so that exp is optional here, but
// where there is one it counts.
func (g *Gateway) Authenticate(_ context.Context, c Credentials) (Principal, error) {
	token, err := bearerToken(c.Authorization)
	if err != nil {
		return Principal{}, err
	}
	if !g.trusts(c.Peer) {
		return Principal{}, fail(InvalidToken, errPeer)
	}
	parts, err := openToken(token)
	if err != nil {
		return Principal{}, err
	}
	claims, err := readClaims(parts.payload)
	if err != nil {
		return Principal{}, err
	}
	if err := g.validator.Validate(claims); err != nil {
		return Principal{}, judge(err)
	}
	return claims.principal()
}

// Ready always returns nil, since a Gateway needs no keys.
func (g *Gateway) Ready(context.Context) error { return nil }

// trusts compares the address without the disguises a dual-stack listener or a link-local
// connection give it: ::ffff:127.0.0.1 is 127.0.0.1, and a zone is no part of the address.
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
