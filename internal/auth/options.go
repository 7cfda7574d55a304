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

// VerifierOptions are the settings of a Verifier. Zero values stand for the defaults.
type VerifierOptions struct {
	// Issuers are the accepted values of iss, compared exactly. Without JWKSURL each must be the
	// URL of an OpenID provider.
	Issuers []string
	// JWKSURL is where the keys of the one issuer are, instead of asking its discovery document.
	JWKSURL string
	// Audience must be among the values of aud. When empty, aud is not looked at.
	Audience string
	// Leeway is how far clocks may differ, a minute at most: 0 stands for 30 seconds, a negative
	// value for none.
	Leeway time.Duration
	// MaxLifetime is how far ahead exp may lie, 24 hours unless set. It keeps a token that was
	// issued by mistake for ten years from being good for ten years.
	MaxLifetime time.Duration
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Client fetches the keys; nil stands for one with short timeouts. Redirects, cookies and
	// large answers are refused either way.
	Client *http.Client
	// Log gets a line when keys were loaded for the first time and whenever loading fails.
	Log *slog.Logger
	// RefreshInterval is the time between two loads of the keys, 5 minutes unless set.
	RefreshInterval time.Duration
	// RetryInterval is the pause after a first load that failed, 250 ms unless set. It doubles up
	// to 5 seconds until a load succeeds.
	RetryInterval time.Duration
	// UnknownKeyInterval is the least time between two loads that tokens with an unknown key id
	// cause, and the time after which a refresh that failed is tried again; 30 seconds unless set.
	UnknownKeyInterval time.Duration
	// UnknownKeyWait is how long a token with an unknown key id waits for such a load, one second
	// unless set.
	UnknownKeyWait time.Duration
	// CacheTime is how long a verified token is believed without another look, at most: a minute
	// unless set, and never longer; a negative value turns the cache off. It ends earlier when the
	// token expires or when keys of any issuer change.
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

// validate refuses settings under which a check would silently be off. The JWT library takes an
// empty issuer or audience for "do not check".
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
