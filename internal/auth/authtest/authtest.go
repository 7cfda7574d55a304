// SPDX-License-Identifier: Apache-2.0

// Package authtest is an OpenID provider for tests. It publishes keys, signs valid and invalid tokens,
// and fails on demand. Only tests import it, those of the modules below tools included.
//
//	idp := authtest.New(t)
//	v, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []string{idp.Issuer()}})
//	go v.Run(ctx)
//	request.Header.Set("Authorization", "Bearer "+idp.Token("user-1", "Binary.read"))
//
// It listens on loopback. A test that uses testing/synctest creates it outside the bubble, and gives
// Transport to the client inside, which then needs no network.
package authtest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The paths of an IDP.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/keys"
)

// Fields is a JSON object.
type Fields = map[string]any

// IDP is an OpenID provider with one RSA key and one elliptic key at a time. It is safe for
// concurrent use.
type IDP struct {
	tb     testing.TB
	server *httptest.Server

	mu         sync.Mutex
	generation int
	rsa        *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
	extra      []Fields
	discovery  Fields
	fault      Fault
	hits       map[string]int
}

// New starts a provider that stops at the end of the test.
func New(tb testing.TB) *IDP {
	tb.Helper()
	p := &IDP{tb: tb, hits: map[string]int{}}
	p.Rotate()
	// Hanging responses must end before Close, which waits for them.
	ctx, cancel := context.WithCancel(context.Background())
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	p.server.Start()
	tb.Cleanup(func() {
		cancel()
		p.server.Close()
	})
	return p
}

// Issuer returns the value of iss.
func (p *IDP) Issuer() string { return p.server.URL }

// KeysURL returns the address of the key set, for verifiers without discovery.
func (p *IDP) KeysURL() string { return p.server.URL + KeysPath }

// Rotate replaces all keys by new ones with new ids, and withdraws the keys of Publish.
func (p *IDP) Rotate() {
	p.tb.Helper()
	newRSA := rsaKey(p.tb, 2048)
	newEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.tb.Fatalf("generate elliptic key: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation++
	p.rsa, p.ec, p.extra = newRSA, newEC, nil
}

// Publish adds members to the key set without a check: weak keys, symmetric keys, or no keys at all.
func (p *IDP) Publish(keys ...Fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extra = append(p.extra, keys...)
}

// KeyID returns the id of the key that signs with alg: RS256, PS256 or ES256.
func (p *IDP) KeyID(alg string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keyID(alg)
}

func (p *IDP) keyID(alg string) string { return fmt.Sprintf("%s-%d", alg, p.generation) }

// Key returns the private key of KeyID. RS256 and PS256 share one key, which is published twice.
func (p *IDP) Key(alg string) crypto.Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if alg == jwt.SigningMethodES256.Name {
		return p.ec
	}
	return p.rsa
}

// Claims returns the claims of a valid token of this provider, which expires in five minutes.
func (p *IDP) Claims(userID string, roles ...string) Fields {
	now := time.Now().Unix()
	return Fields{
		"iss": p.Issuer(), "iat": now, "exp": now + 300,
		"user_id": userID, "user_type": "PRACTITIONER",
		"realm_access": Fields{"roles": append([]string{}, roles...)},
	}
}

// Token returns a valid token, signed with RS256.
func (p *IDP) Token(userID string, roles ...string) string {
	p.tb.Helper()
	return p.Sign(jwt.SigningMethodRS256.Name, nil, p.Claims(userID, roles...))
}

// Sign signs claims with RS256, PS256 or ES256. The fields of header are added to alg, kid and typ or
// replace them; a nil value removes one. The header has no influence on the signature's algorithm.
func (p *IDP) Sign(alg string, header, claims Fields) string {
	p.tb.Helper()
	full := Fields{"alg": alg, "kid": p.KeyID(alg), "typ": "JWT"}
	maps.Copy(full, header)
	maps.DeleteFunc(full, func(_ string, value any) bool { return value == nil })
	return SignRaw(p.tb, alg, p.Key(alg), encode(p.tb, full), encode(p.tb, claims))
}

func encode(tb testing.TB, v any) string {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("encode JSON: %v", err)
	}
	return string(raw)
}
