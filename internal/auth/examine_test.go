// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // for an issuer that hangs
	defer cancel()
	doctor.Run(ctx, auth.Examine(o), func(f doctor.Finding) {
		lines = append(lines, fmt.Sprintf("%s: %s; %s", f.Result, f.Message, f.Remedy))
		if f.Result != doctor.OK && f.Remedy == "" {
			t.Errorf("has no remedy: %s", f.Message)
		}
	})
	return lines
}

// elsewhere is a provider under another name, which is not this machine.
type elsewhere struct{ idp *authtest.IDP }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return e.idp.Transport().RoundTrip(r)
}

func TestExamine(t *testing.T) {
	t.Parallel()
	const clock = "ok: the clock|agrees"
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*authtest.IDP, *auth.VerifierOptions)
		want   []string // what each line begins with and, after a bar, contains
	}{
		"correct":     {func(*authtest.IDP, *auth.VerifierOptions) {}, []string{"ok: issuer|3 of 3 published keys can be used", clock}},
		"no audience": {func(_ *authtest.IDP, o *auth.VerifierOptions) { o.Audience = "" }, []string{"warning: no audience|REPORTING_AUTH_AUDIENCE", "ok: issuer|3 of 3", clock}},
		"key set URL": {func(p *authtest.IDP, o *auth.VerifierOptions) {
			o.Issuers, o.JWKSURL = []string{"anybody"}, p.KeysURL()
		}, []string{"ok: issuer anybody|3 of 3", clock}},
		"down":        {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Down) }, []string{"error: issuer|read discovery document"}},
		"unavailable": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Unavailable) }, []string{"error: issuer|status 503", clock}},
		"redirects":   {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Redirect) }, []string{"error: issuer|status 302", clock}},
		"hangs":       {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.Hang) }, []string{"error: issuer|does not answer in time"}},
		"no keys":     {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Break(authtest.EmptySet) }, []string{"error: issuer|none of its 0 keys", clock}},
		"other issuer": {func(p *authtest.IDP, _ *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"issuer": "https://other.example"})
		}, []string{`error: issuer|another issuer: "https://other.example"`, clock}},
		"no key set": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Discovery(authtest.Fields{"jwks_uri": nil}) }, []string{"error: issuer|jwks_uri is not a URL", clock}},
		"keys elsewhere": {func(p *authtest.IDP, _ *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"jwks_uri": p.Issuer() + "/gone"})
		}, []string{"error: issuer|status 404", clock}},
		"a weak key too": {func(p *authtest.IDP, _ *auth.VerifierOptions) { p.Publish(authtest.JWK(t, "weak", &weak.PublicKey)) }, []string{"ok: issuer|3 of 4 published keys", clock}},
		"without TLS": {func(p *authtest.IDP, o *auth.VerifierOptions) {
			p.Discovery(authtest.Fields{"issuer": "http://idp.example", "jwks_uri": "http://idp.example/keys"})
			o.Issuers, o.Client = []string{"http://idp.example"}, &http.Client{Transport: elsewhere{p}}
		}, []string{"warning: issuer http://idp.example|without TLS", "ok: issuer|3 of 3"}},
		"clock skew": {func(_ *authtest.IDP, o *auth.VerifierOptions) {
			o.Now = func() time.Time { return time.Now().Add(20 * time.Second) }
		}, []string{"ok: issuer|3 of 3", "warning: the clock|behind"}},
		"large clock skew": {func(_ *authtest.IDP, o *auth.VerifierOptions) {
			o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, []string{"ok: issuer|3 of 3", "error: the clock|ahead of"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := authtest.New(t)
			o := auth.VerifierOptions{Issuers: []string{idp.Issuer()}, Audience: "reporting"}
			tt.change(idp, &o)
			lines := examined(t, o)
			for _, want := range tt.want {
				begin, part, _ := strings.Cut(want, "|")
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }) {
					t.Errorf("no %q in %q", want, lines)
				}
			}
			if len(lines) != len(tt.want) {
				t.Errorf("%q, want %q", lines, tt.want)
			}
		})
	}
}

// The age of a cached response is no clock skew.
func TestExamineCachedResponse(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	cache := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		w.Header().Set("Age", "600")
		idp.ServeHTTP(w, r)
	}))
	t.Cleanup(cache.Close)
	lines := examined(t, auth.VerifierOptions{Issuers: []string{"x"}, JWKSURL: cache.URL + authtest.KeysPath, Audience: "a"})
	if len(lines) != 2 || !strings.Contains(lines[1], "agrees") {
		t.Errorf("%q", lines)
	}
}
