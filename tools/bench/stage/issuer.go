// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/errgroup"
)

// Issuer signs tokens and publishes its key, like an OpenID provider. It is safe for concurrent
// use.
type Issuer struct {
	// URL is its issuer URL. Set it before the first request when a proxy is in front of the
	// issuer.
	URL    string
	Addr   string // listen address, host:port
	server *http.Server
	signed atomic.Int64 // number of signed tokens

	mu      sync.Mutex
	key     *rsa.PrivateKey
	keyID   string
	keys    int // number of keys so far
	instead http.HandlerFunc
}

// StartIssuer starts an issuer on a free port of this machine.
func StartIssuer() (*Issuer, error) {
	i := &Issuer{}
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Stop ends it
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	i.Addr = listener.Addr().String()
	i.URL = "http://" + i.Addr
	i.server = &http.Server{Handler: i, ReadHeaderTimeout: time.Second}
	go func() { _ = i.server.Serve(listener) }()
	return i, nil
}

// Rotate creates a new key and withdraws the previous one.
func (i *Issuer) Rotate() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys++
	i.key, i.keyID = key, fmt.Sprintf("bench-%d", i.keys)
	return nil
}

// Answer replaces the handler of the issuer; nil restores it.
func (i *Issuer) Answer(instead http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instead = instead
}

// ServeHTTP implements http.Handler as a provider.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	key, id, instead := i.key, i.keyID, i.instead
	i.mu.Unlock()
	var answer any
	switch {
	case instead != nil:
		instead(w, r)
		return
	case r.URL.Path == "/.well-known/openid-configuration":
		answer = map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
	case r.URL.Path == "/keys":
		public, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{
			Metadata: jwkset.JWKMetadataOptions{KID: id, ALG: jwkset.AlgRS256, USE: jwkset.UseSig},
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer = jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{public.Marshal()}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // a client that has gone misses nothing
}

// Stop stops the issuer.
func (i *Issuer) Stop() { _ = i.server.Close() }

// Token returns a signed token of a user, with the claims of Keycloak. No two tokens are equal.
// It has the given roles and some unrelated ones.
func (i *Issuer) Token(userID string, roles ...string) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": i.URL, "sub": "f:6a1c0f9e-3f6e-4dd5-9a0c-3d1d2f6f0b1a:" + userID, "aud": "account", "typ": "Bearer",
		"iat": now.Unix(), "exp": now.Add(12 * time.Hour).Unix(), "jti": fmt.Sprintf("0f7b9c9c-2a52-4e2f-8a5a-%012d", i.signed.Add(1)),
		"azp": "portal", "session_state": "d0b7a6e4-8b1e-4a7f-9c55-1f1f5a8b1c77", "scope": "openid profile email",
		"realm_access": map[string]any{"roles": append([]string{"offline_access", "uma_authorization", "ReportUser"}, roles...)},
		"user_id":      userID, "user_type": "PRACTITIONER", "preferred_username": "user-" + userID,
	})
	i.mu.Lock()
	key, id := i.key, i.keyID
	i.mu.Unlock()
	token.Header["kid"] = id
	text, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text, nil
}

// Tokens signs one token for each user, on all processors.
func (i *Issuer) Tokens(ctx context.Context, users []string) ([]string, error) {
	tokens := make([]string, len(users))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for n, user := range users {
		group.Go(func() (err error) {
			if working.Err() != nil {
				return context.Cause(working)
			}
			tokens[n], err = i.Token(user)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return tokens, nil
}
