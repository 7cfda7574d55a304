// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Verifier accepts tokens that one of the configured issuers has signed. It has keys while Run
// runs.
type Verifier struct {
	issuers     map[string]*issuer
	cache       *cache
	now         func() time.Time
	leeway      time.Duration
	maxLifetime time.Duration
	started     atomic.Bool
}

// issuer is one accepted value of iss. Its keys verify its own tokens only.
type issuer struct {
	validator *jwt.Validator
	keys      *keyring
}

var _ Authenticator = (*Verifier)(nil)

// NewVerifier checks the options and returns a Verifier that has no keys yet.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("check verifier options: %w", err)
	}
	o.setDefaults()
	cache, err := newCache(o.CacheTime)
	if err != nil {
		return nil, err
	}
	v := &Verifier{issuers: map[string]*issuer{}, cache: cache, now: o.Now, leeway: o.Leeway, maxLifetime: o.MaxLifetime}
	for _, name := range o.Issuers {
		rules := []jwt.ParserOption{
			jwt.WithIssuer(name),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(o.Leeway),
			jwt.WithTimeFunc(o.Now),
		}
		if o.Audience != "" {
			rules = append(rules, jwt.WithAudience(o.Audience))
		}
		v.issuers[name] = &issuer{validator: jwt.NewValidator(rules...), keys: newKeyring(name, o, cache.forget)}
	}
	return v, nil
}

// Run loads the keys of all issuers and refreshes them until ctx ends. It returns when every
// goroutine that it started has ended. A second call returns an error.
func (v *Verifier) Run(ctx context.Context) error {
	if v.started.Swap(true) {
		return errors.New("run verifier: it runs already or has ended")
	}
	var loops sync.WaitGroup
	for _, i := range v.issuers {
		loops.Go(func() { i.keys.run(ctx) })
	}
	loops.Wait()
	return nil
}

// Ready returns nil when the keys of every issuer are loaded. A key server that fails later does not
// change that, because the loaded keys still work.
func (v *Verifier) Ready(context.Context) error {
	var missing []error
	for name, i := range v.issuers {
		if !i.keys.loaded() {
			missing = append(missing, fmt.Errorf("issuer %s: %w", name, errNotLoaded))
		}
	}
	return errors.Join(missing...)
}

// Authenticate verifies the token (RFC 7519 section 7.2, RFC 8725 section 3), or finds it in the
// cache.
func (v *Verifier) Authenticate(ctx context.Context, c Credentials) (Principal, error) {
	token, err := bearerToken(c.Authorization)
	if err != nil {
		return Principal{}, err
	}
	id, generation := tokenID(sha256.Sum256([]byte(token))), v.cache.generation()
	if caller, ok := v.cache.get(id, v.now()); ok {
		return caller, nil
	}
	caller, expires, err := v.check(ctx, token)
	if err == nil && len(token) <= maxCachedToken {
		v.cache.put(id, caller, generation, v.now(), expires.Add(v.leeway))
	}
	return caller, err
}

// check verifies a token that is not in the cache and returns its expiry.
func (v *Verifier) check(ctx context.Context, token string) (caller Principal, expires time.Time, err error) {
	parsed, err := parseToken(token)
	if err != nil {
		return Principal{}, expires, err
	}
	header, err := readHeader(parsed.header)
	if err != nil {
		return Principal{}, expires, err
	}
	claims, err := readClaims(parsed.payload)
	if err != nil {
		return Principal{}, expires, err
	}
	if err := claims.readParty(); err != nil {
		return Principal{}, expires, err
	}
	if err := v.verify(ctx, parsed, header, claims); err != nil {
		return Principal{}, expires, err
	}
	caller, err = claims.principal()
	return caller, claims.exp.Time, err
}

// verify checks the signature with the keys of the issuer that the token names, and then the
// claims.
func (v *Verifier) verify(ctx context.Context, token parsedToken, h header, c *claims) error {
	issuer, known := v.issuers[c.iss]
	if !known {
		return fail(InvalidToken, errIssuer)
	}
	if !issuer.keys.loaded() {
		return fail(KeysUnavailable, errNotLoaded)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(token.signature)
	if err != nil {
		return fail(InvalidToken, errEncoding)
	}
	key, err := issuer.keys.find(ctx, h)
	if err != nil {
		return err
	}
	if err := jwt.GetSigningMethod(h.algorithm).Verify(token.signed, signature, key); err != nil {
		return fail(InvalidToken, errSignature)
	}
	if err := issuer.validator.Validate(c); err != nil {
		return claimsError(err)
	}
	if c.exp.After(v.now().Add(v.maxLifetime)) {
		return fail(InvalidToken, errLifetime)
	}
	return c.checkType()
}
