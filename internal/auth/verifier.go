// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Verifier accepts tokens that one of the configured issuers has signed. Run must be running for
// it to have keys.
type Verifier struct {
	issuers     map[string]*issuer
	cache       *cache
	now         func() time.Time
	leeway      time.Duration
	maxLifetime time.Duration
	started     atomic.Bool
}

// issuer is what belongs to one accepted value of iss. Its keys verify its own tokens only.
type issuer struct {
	parser *jwt.Parser
	keys   *keyring
}

var _ Authenticator = (*Verifier)(nil)

// NewVerifier checks the options and returns a Verifier that has no keys yet.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("check verifier options: %w", err)
	}
	o.setDefaults()
	remembered, err := newCache(o.CacheTime)
	if err != nil {
		return nil, err
	}
	v := &Verifier{issuers: map[string]*issuer{}, cache: remembered, now: o.Now, leeway: o.Leeway, maxLifetime: o.MaxLifetime}
	for _, name := range o.Issuers {
		keys, err := newKeyring(name, o, remembered.forget)
		if err != nil {
			return nil, fmt.Errorf("make keyring: %w", err)
		}
		parser := []jwt.ParserOption{
			jwt.WithValidMethods(methods[:]),
			jwt.WithIssuer(name),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithStrictDecoding(),
			jwt.WithLeeway(o.Leeway),
			jwt.WithTimeFunc(o.Now),
		}
		if o.Audience != "" {
			parser = append(parser, jwt.WithAudience(o.Audience))
		}
		v.issuers[name] = &issuer{parser: jwt.NewParser(parser...), keys: keys}
	}
	return v, nil
}

// Run loads the keys of all issuers and keeps them fresh until the context ends. It returns when
// everything it started has ended. It works once: a second call is refused.
func (v *Verifier) Run(ctx context.Context) error {
	if v.started.Swap(true) {
		return errors.New("verifier runs already or has ended")
	}
	var loops sync.WaitGroup
	for _, i := range v.issuers {
		loops.Go(func() { i.keys.run(ctx) })
	}
	loops.Wait()
	return nil
}

// Ready returns nil once the keys of every issuer have been loaded. It stays nil when the key
// server fails later, since the keys at hand still work.
func (v *Verifier) Ready(context.Context) error {
	var missing []error
	for name, i := range v.issuers {
		if !i.keys.loaded() {
			missing = append(missing, fmt.Errorf("issuer %s: %w", name, errNotLoaded))
		}
	}
	return errors.Join(missing...)
}

// Authenticate verifies the token (RFC 7519 section 7.2, RFC 8725 section 3), unless it did so a
// moment ago.
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

// check verifies a token and says until when it is good. The form is checked first, by rules
// stricter than the library's; the library then checks signature and claims.
func (v *Verifier) check(ctx context.Context, token string) (caller Principal, expires time.Time, err error) {
	parts, err := openToken(token)
	if err != nil {
		return Principal{}, expires, err
	}
	if err := checkHeader(parts.header); err != nil {
		return Principal{}, expires, err
	}
	claims, err := readClaims(parts.payload)
	if err != nil {
		return Principal{}, expires, err
	}
	if err := claims.readParty(); err != nil {
		return Principal{}, expires, err
	}
	if err := v.verify(ctx, token, claims); err != nil {
		return Principal{}, expires, err
	}
	caller, err = claims.principal()
	return caller, claims.exp.Time, err
}

// verify uses the unverified iss to choose whose keys count; the parser of that issuer then
// insists on the same iss in what was signed.
func (v *Verifier) verify(ctx context.Context, token string, c *claims) error {
	from, known := v.issuers[c.iss]
	if !known {
		return fail(InvalidToken, errIssuer)
	}
	if !from.keys.loaded() {
		return fail(KeysUnavailable, errNotLoaded)
	}
	parsed, err := from.parser.ParseWithClaims(token, c, from.keys.keyfunc.KeyfuncCtx(ctx))
	if err != nil {
		return judge(err)
	}
	if !parsed.Valid || c.exp == nil {
		return fail(InvalidToken, errSignature)
	}
	if c.exp.After(v.now().Add(v.maxLifetime)) {
		return fail(InvalidToken, errLifetime)
	}
	return c.checkType()
}
