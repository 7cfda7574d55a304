// SPDX-License-Identifier: Apache-2.0

// Package authtest is an OpenID provider for tests: it publishes keys, signs tokens, sound ones
// and any other, and fails on demand. Any test of this module, or of one below tools, may import it, and nothing else may.
//
//	idp := authtest.New(t)
//	v, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []string{idp.Issuer()}})
//	go v.Run(ctx)
//	request.Header.Set("Authorization", "Bearer "+idp.Token("user-1", "Binary.read"))
//
// It listens on loopback. Tests that use testing/synctest make it outside the bubble and pass
// Transport to the client inside, which does without the network.
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

// The paths an IDP answers on.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/keys"
)

// Fields is a JSON object.
type Fields = map[string]any

// IDP is an OpenID provider with one RSA key and one elliptic key at a time. It may be used by
// several goroutines.
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

// New starts a provider, which ends with the test.
func New(tb testing.TB) *IDP {
	tb.Helper()
	p := &IDP{tb: tb, hits: map[string]int{}}
	p.Rotate()
	// Answers that hang must end before Close, which waits for them.
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

// Issuer is the value of iss.
func (p *IDP) Issuer() string { return p.server.URL }

// KeysURL is where the key set is, for verifiers that do without discovery.
func (p *IDP) KeysURL() string { return p.server.URL + KeysPath }

// Rotate replaces all keys by new ones with new ids, and withdraws those of Publish.
func (p *IDP) Rotate() {
	p.tb.Helper()
	newRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.tb.Fatalf("make RSA key: %v", err)
	}
	newEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.tb.Fatalf("make elliptic key: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation++
	p.rsa, p.ec, p.extra = newRSA, newEC, nil
}

// Publish adds keys to the set, as they are: weak, symmetric, for encryption, or no keys at all.
func (p *IDP) Publish(keys ...Fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extra = append(p.extra, keys...)
}

// KeyID is the id of the key that signs with the algorithm: RS256, PS256 or ES256.
func (p *IDP) KeyID(alg string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keyID(alg)
}

func (p *IDP) keyID(alg string) string { return fmt.Sprintf("%s-%d", alg, p.generation) }

// Key is the private key behind KeyID. RS256 and PS256 share one, published twice.
func (p *IDP) Key(alg string) crypto.Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if alg == jwt.SigningMethodES256.Name {
		return p.ec
	}
	return p.rsa
}

// Claims are those of a good token: signed by this provider, valid for five minutes.
func (p *IDP) Claims(userID string, roles ...string) Fields {
	now := time.Now().Unix()
	return Fields{
		"iss": p.Issuer(), "iat": now, "exp": now + 300,
		"user_id": userID, "user_type": "PRACTITIONER",
		"realm_access": Fields{"roles": append([]string{}, roles...)},
	}
}

// Token is a good token, signed with RS256.
func (p *IDP) Token(userID string, roles ...string) string {
	p.tb.Helper()
	return p.Sign(jwt.SigningMethodRS256.Name, nil, p.Claims(userID, roles...))
}

// Sign signs claims with RS256, PS256 or ES256. Fields of the header replace alg, kid and typ or
// join them; a nil value takes one out. What the header says has no influence on how it is signed.
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
