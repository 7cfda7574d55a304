// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// VerifierOptions configure a Verifier. Zero values mean the defaults.
type VerifierOptions struct {
	// Issuers are the accepted values of iss, compared exactly. Without JWKSURL each must be the
	// URL of an OpenID provider.
	Issuers []string
	// JWKSURL is the URL of the keys of the only issuer, in place of its discovery document.
	JWKSURL string
	// Audience must be among the values of aud. When it is empty, aud is ignored.
	Audience string
	// Leeway is the tolerated difference of clocks, at most a minute. Zero means 30 seconds, a
	// negative value none.
	Leeway time.Duration
	// MaxLifetime is the longest time until exp, by default 24 hours. It limits the damage of a
	// token with a wrong expiry.
	MaxLifetime time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Client loads the keys; nil means a client with short timeouts. Redirects, cookies and large
	// responses are always refused.
	Client *http.Client
	// Log receives a line for the first load of the keys and for every failed load.
	Log *slog.Logger
	// RefreshInterval is the time between two loads of the keys, by default 5 minutes.
	RefreshInterval time.Duration
	// RetryInterval is the pause after the first failed load, by default 250 ms. It doubles up to
	// 5 seconds until a load succeeds.
	RetryInterval time.Duration
	// UnknownKeyInterval is the shortest time between two loads that tokens with an unknown key id
	// cause, and the time until a retry of a failed refresh. By default it is 30 seconds.
	UnknownKeyInterval time.Duration
	// UnknownKeyWait is the time that a token with an unknown key id waits for a load, by default
	// one second.
	UnknownKeyWait time.Duration
	// CacheTime is the time that a verified token stays in the cache, by default and at most one
	// minute. A negative value turns the cache off. The time ends earlier when the token expires or
	// when the keys of any issuer change.
	CacheTime time.Duration
}

const (
	maxLeeway = time.Minute
	maxRetry  = 5 * time.Second
)

func (o *VerifierOptions) setDefaults() {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.MaxLifetime, 24 * time.Hour},
		{&o.RefreshInterval, 5 * time.Minute},
		{&o.RetryInterval, 250 * time.Millisecond},
		{&o.UnknownKeyInterval, 30 * time.Second},
		{&o.UnknownKeyWait, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if o.CacheTime == 0 || o.CacheTime > maxCacheTime {
		o.CacheTime = maxCacheTime
	}
	o.Leeway = leeway(o.Leeway)
	o.Now = clock(o.Now)
	o.Client = hardened(o.Client)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// validate refuses options that would turn a check off: the JWT library does not check an empty
// issuer or audience.
func (o *VerifierOptions) validate() error {
	var problems []error
	if len(o.Issuers) == 0 {
		problems = append(problems, errors.New("no issuer is given"))
	}
	if o.JWKSURL != "" && len(o.Issuers) != 1 {
		problems = append(problems, errors.New("a key set URL goes with exactly one issuer"))
	}
	seen := map[string]bool{}
	for _, issuer := range o.Issuers {
		switch {
		case issuer == "" || strings.TrimSpace(issuer) != issuer:
			problems = append(problems, fmt.Errorf("issuer %q is empty or has blanks around it", issuer))
		case seen[issuer]:
			problems = append(problems, fmt.Errorf("issuer %q is given twice", issuer))
		case o.JWKSURL == "":
			if err := checkURL(issuer); err != nil {
				problems = append(problems, fmt.Errorf("check issuer: %w", err))
			} else if strings.Contains(issuer, "?") {
				problems = append(problems, fmt.Errorf("issuer %q has a query", issuer))
			}
		}
		seen[issuer] = true
	}
	if o.JWKSURL != "" {
		if err := checkURL(o.JWKSURL); err != nil {
			problems = append(problems, fmt.Errorf("check key set URL: %w", err))
		}
	}
	if strings.TrimSpace(o.Audience) != o.Audience {
		problems = append(problems, fmt.Errorf("audience %q has blanks around it", o.Audience))
	}
	if o.Leeway > maxLeeway {
		problems = append(problems, fmt.Errorf("leeway %s is above %s", o.Leeway, maxLeeway))
	}
	return errors.Join(problems...)
}
