// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/auth/authtest"
	"reporting/internal/doctor"
)

func examined(t *testing.T, o auth.VerifierOptions) []string {
	t.Helper()
	var lines []string
	doctor.Run(t.Context(), auth.Examine(o), func(f doctor.Finding) {
		lines = append(lines, fmt.Sprintf("%s: %s; %s", f.Result, f.Text, f.Mend))
		if f.Result != doctor.OK && f.Mend == "" {
			t.Errorf("does not say what to do: %s", f.Text)
		}
	})
	return lines
}

// elsewhere answers as a provider under another name, which is not of this machine.
type elsewhere struct{ idp *authtest.IDP }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return e.idp.Transport().RoundTrip(r)
}

func TestExamine(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*authtest.IDP, *auth.VerifierOptions)
		want   []string // what lines begin with and, behind a bar, hold; others are well
	}{
		"well": {func(*authtest.IDP, *auth.VerifierOptions) {}, []string{
			`ok: tokens must be for "reporting"|`, "ok: issuer|is its own", "ok: issuer|3 of 3 published keys can be used: ES256, PS256, RS256", "ok: the clock|agrees",
		}},
		"no audience": {func(_ *authtest.IDP, o *auth.VerifierOptions) { o.Audience = "" }, []string{"warning: no audience|REPORTING_AUTH_AUDIENCE"}},
		"key set URL": {func(p *authtest.IDP, o *auth.VerifierOptions) {
			o.Issuers, o.JWKSURL = []string{"anybody"}, p.KeysURL()
		}, []string{"ok: issuer anybody|3 of 3"}},
		"down":        {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Down) }, []string{"wrong: issuer|no keys are found"}},
		"unavailable": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Unavailable) }, []string{"wrong: issuer|answered 503"}},
		"redirects":   {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Redirect) }, []string{"wrong: issuer|answered 302"}},
		"hangs":       {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Hang) }, []string{"wrong: issuer|does not answer in time"}},
		"no keys":     {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.EmptySet) }, []string{"wrong: issuer|none of its 0 keys"}},
		"other issuer": {func(p *authtest.IDP, _ *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"issuer": "https://other.example"})
		}, []string{`wrong: issuer|another issuer: "https://other.example"`}},
		"no key set": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Discovery(authtest.Fields{"jwks_uri": nil}) }, []string{"wrong: issuer|jwks_uri is not a URL"}},
		"keys elsewhere": {func(p *authtest.IDP, _ *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"jwks_uri": p.Issuer() + "/gone"})
		}, []string{
			"ok: issuer|is its own", "wrong: issuer|answered 404",
		}},
		"a weak key too": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Publish(authtest.JWK(t, "weak", &weak.PublicKey)) }, []string{"ok: issuer|3 of 4 published keys"}},
		"without TLS": {func(p *authtest.IDP, o *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"issuer": "http://idp.example", "jwks_uri": "http://idp.example/keys"})
			o.Issuers, o.Client = []string{"http://idp.example"}, &http.Client{Transport: elsewhere{p}}
		}, []string{"warning: issuer http://idp.example|without TLS"}},
		"clock": {func(_ *authtest.IDP, o *auth.VerifierOptions) {
			o.Now = func() time.Time { return time.Now().Add(20 * time.Second) }
		}, []string{"warning: the clock|behind ours"}},
		"clock, far off": {func(_ *authtest.IDP, o *auth.VerifierOptions) {
			o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, []string{"wrong: the clock|ahead of ours"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := authtest.New(t)
			o := auth.VerifierOptions{Issuers: []string{idp.Issuer()}, Audience: "reporting"}
			tt.change(idp, &o)
			lines := examined(t, o)
			ill := 0
			for _, want := range tt.want {
				begin, part, _ := strings.Cut(want, "|")
				if !strings.HasPrefix(want, "ok") {
					ill++
				}
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }) {
					t.Errorf("nothing like %q among %q", want, lines)
				}
			}
			for _, line := range lines {
				if !strings.HasPrefix(line, "ok") {
					ill--
				}
			}
			if ill < 0 {
				t.Errorf("more than %q: %q", tt.want, lines)
			}
		})
	}
}

// A cache says how old its answer is; that is no difference of clocks.
func TestExamineCachedAnswer(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	cache := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		w.Header().Set("Age", "600")
		idp.ServeHTTP(w, r)
	}))
	t.Cleanup(cache.Close)
	lines := examined(t, auth.VerifierOptions{Issuers: []string{"x"}, JWKSURL: cache.URL + authtest.KeysPath, Audience: "a"})
	if len(lines) != 3 || !strings.Contains(lines[2], "agrees") {
		t.Errorf("%q", lines)
	}
}
