// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"testing"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth/authtest"
	"reporting/internal/config"
)

// verifying starts a server in verify mode, and the identity provider that it uses.
func verifying(t *testing.T, change func(*config.Config)) (instance, *authtest.IDP) {
	t.Helper()
	idp := authtest.New(t)
	server := own(t, func(c *config.Config) {
		c.Auth, c.AuthIssuers, c.AuthTrustedPeers = config.Verify, []string{idp.Issuer()}, nil
		if change != nil {
			change(c)
		}
	})
	return server, idp
}

func ready(t *testing.T, server instance) bool {
	t.Helper()
	return (target{base: server.ops}).do(t, request{method: "GET", path: "/readyz"}).status == http.StatusOK
}

func TestW84_SignaturesAreVerified(t *testing.T) {
	t.Parallel()
	server, idp := verifying(t, nil)
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	claims := idp.Claims("u")
	for _, alg := range []string{"RS256", "PS256", "ES256"} {
		if a := server.do(t, bearer("Bearer "+idp.Sign(alg, nil, claims))); a.status != http.StatusOK {
			t.Errorf("%s: got status %d, %s", alg, a.status, a.body)
		}
	}
	stranger := authtest.New(t)
	for name, forged := range map[string]string{
		"the published unsigned token": token("0aaca7cd-67c3-48dd-a8c4-0cceecb5d276"),
		"none":                         idp.Sign("RS256", authtest.Fields{"alg": "none"}, claims),
		"None":                         idp.Sign("RS256", authtest.Fields{"alg": "None"}, claims),
		"HMAC":                         idp.Sign("RS256", authtest.Fields{"alg": "HS256"}, claims),
		"another algorithm":            idp.Sign("RS256", authtest.Fields{"alg": "ES256"}, claims),
		"a key of another issuer":      stranger.Sign("RS256", nil, claims),
		"unknown kid":                  idp.Sign("RS256", authtest.Fields{"kid": "x"}, claims),
		"no kid":                       idp.Sign("RS256", authtest.Fields{"kid": nil}, claims),
		"jku":                          stranger.Sign("RS256", authtest.Fields{"jku": stranger.KeysURL()}, claims),
		"unsigned but well formed":     unsigned(`{"user_id":"u"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.do(t, bearer("Bearer "+forged)).isUnauthorized(t, models.IssueTypeLogin, true)
		})
	}
}

func TestW85_IssuerAndAudienceAreVerified(t *testing.T) {
	t.Parallel()
	server, idp := verifying(t, func(c *config.Config) { c.AuthAudience = "reporting" })
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	claims := idp.Claims("u")
	server.do(t, bearer("Bearer "+idp.Sign("RS256", nil, claims))).isUnauthorized(t, models.IssueTypeLogin, true) // no audience
	claims["aud"] = []string{"other", "reporting"}
	if a := server.do(t, bearer("Bearer "+idp.Sign("RS256", nil, claims))); a.status != http.StatusOK {
		t.Errorf("right audience: got status %d, %s", a.status, a.body)
	}
	claims["aud"] = "report"
	server.do(t, bearer("Bearer "+idp.Sign("RS256", nil, claims))).isUnauthorized(t, models.IssueTypeLogin, true)
	claims["aud"], claims["iss"] = "reporting", idp.Issuer()+"/"
	server.do(t, bearer("Bearer "+idp.Sign("RS256", nil, claims))).isUnauthorized(t, models.IssueTypeLogin, true)
}

func TestW86_KnownKeysOutliveTheKeyServer(t *testing.T) {
	t.Parallel()
	slow(t, "waits for the keys")
	idp := authtest.New(t)
	idp.Break(authtest.Down)
	server := own(t, func(c *config.Config) {
		c.Auth, c.AuthIssuers, c.AuthTrustedPeers = config.Verify, []string{idp.Issuer()}, nil
	})
	good := bearer("Bearer " + idp.Token("u"))
	server.do(t, good).isUnavailable(t, models.IssueTypeTransient) // 503, not 401: the token may be valid
	if ready(t, server) {
		t.Error("/readyz succeeds without keys")
	}
	idp.Break(authtest.Healthy)
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	idp.Break(authtest.Down)
	if a := server.do(t, good); a.status != http.StatusOK {
		t.Errorf("known keys without the key server: got status %d, want 200: %s", a.status, a.body)
	}
}

// The keys of an issuer verify its own tokens only, and one unreachable issuer does not
// affect another.
func TestIssuersAreSeparate(t *testing.T) {
	t.Parallel()
	slow(t, "starts two issuers")
	employees, citizens := authtest.New(t), authtest.New(t)
	server := own(t, func(c *config.Config) {
		c.Auth, c.AuthIssuers, c.AuthTrustedPeers = config.Verify, []string{employees.Issuer(), citizens.Issuer()}, nil
	})
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	for _, idp := range []*authtest.IDP{employees, citizens} {
		if a := server.do(t, bearer("Bearer "+idp.Token("u"))); a.status != http.StatusOK {
			t.Errorf("got status %d: %s", a.status, a.body)
		}
	}
	// Both issuers use the same key ids.
	server.do(t, bearer("Bearer "+employees.Sign("RS256", nil, citizens.Claims("u")))).isUnauthorized(t, models.IssueTypeLogin, true)
	citizens.Break(authtest.Down)
	citizens.Rotate()
	server.do(t, bearer("Bearer "+citizens.Token("u"))).isUnauthorized(t, models.IssueTypeLogin, true)
	if a := server.do(t, bearer("Bearer "+employees.Token("v"))); a.status != http.StatusOK {
		t.Errorf("the other issuer's: got status %d", a.status)
	}
}

// With one issuer unreachable from the start, tokens of the others are accepted, and its own
// get 503.
func TestIssuerWithoutKeysAffectsOnlyItsTokens(t *testing.T) {
	t.Parallel()
	slow(t, "waits for the keys")
	here, unavailable := authtest.New(t), authtest.New(t)
	unavailable.Break(authtest.Unavailable)
	server := own(t, func(c *config.Config) {
		c.Auth, c.AuthIssuers, c.AuthTrustedPeers = config.Verify, []string{here.Issuer(), unavailable.Issuer()}, nil
	})
	waitFor(t, "the keys", func() bool {
		return server.do(t, bearer("Bearer "+here.Token("u"))).status == http.StatusOK
	})
	server.do(t, bearer("Bearer "+unavailable.Token("u"))).isUnavailable(t, models.IssueTypeTransient)
	unavailable.Break(authtest.Healthy)
	waitFor(t, "the other keys", func() bool {
		return server.do(t, bearer("Bearer "+unavailable.Token("u"))).status == http.StatusOK
	})
}
