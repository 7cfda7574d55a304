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
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/errgroup"
)

// Issuer signs tokens and publishes its key, as an OpenID provider does.
type Issuer struct {
	URL    string
	key    *rsa.PrivateKey
	server *http.Server
	signed atomic.Int64 // tokens so far
}

const keyID = "bench"

// StartIssuer starts one on a free port of this machine.
func StartIssuer() (*Issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	public, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: keyID, ALG: jwkset.AlgRS256, USE: jwkset.UseSig},
	})
	if err != nil {
		return nil, fmt.Errorf("describe the key: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Stop ends it
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	i := &Issuer{URL: "http://" + listener.Addr().String(), key: key}
	mux := http.NewServeMux()
	answer := func(path string, value any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(value)
		})
	}
	answer("/.well-known/openid-configuration", map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	answer("/keys", jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{public.Marshal()}})
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = i.server.Serve(listener) }()
	return i, nil
}

// Stop ends it.
func (i *Issuer) Stop() { _ = i.server.Close() }

// Token is a signed token of a user, with the claims that Keycloak writes. No two are
// the same.
func (i *Issuer) Token(userID string) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": i.URL, "sub": "f:6a1c0f9e-3f6e-4dd5-9a0c-3d1d2f6f0b1a:" + userID, "aud": "account", "typ": "Bearer",
		"iat": now.Unix(), "exp": now.Add(12 * time.Hour).Unix(), "jti": fmt.Sprintf("0f7b9c9c-2a52-4e2f-8a5a-%012d", i.signed.Add(1)),
		"azp": "portal", "session_state": "d0b7a6e4-8b1e-4a7f-9c55-1f1f5a8b1c77", "scope": "openid profile email",
		"realm_access": map[string]any{"roles": []string{"offline_access", "uma_authorization", "ReportUser"}},
		"user_id":      userID, "user_type": "PRACTITIONER", "preferred_username": "user-" + userID,
	})
	token.Header["kid"] = keyID
	text, err := token.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text, nil
}

// Tokens signs one for each of some users, which takes a while and all processors.
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
