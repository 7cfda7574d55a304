// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/auth/authtest"
)

// loadNow loads the keys once, without Run.
func loadNow(t testing.TB, v *Verifier) {
	t.Helper()
	for name, i := range v.issuers {
		i.keys.begin()
		err := i.keys.load(t.Context())
		i.keys.finish(t.Context(), err)
		if err != nil {
			t.Fatalf("load keys of %s: %v", name, err)
		}
	}
}

func newVerifier(t testing.TB, o VerifierOptions) *Verifier {
	t.Helper()
	v, err := NewVerifier(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func authenticate(t *testing.T, a Authenticator, token string) (Principal, error) {
	t.Helper()
	return a.Authenticate(t.Context(), Credentials{Authorization: []string{"Bearer " + token}})
}

func TestVerifierOptions(t *testing.T) {
	t.Parallel()
	const issuer = "https://id.example/realms/r"
	for _, row := range []struct {
		name    string
		options VerifierOptions
		good    bool
	}{
		{"one issuer", VerifierOptions{Issuers: []string{issuer}}, true},
		{"two issuers", VerifierOptions{Issuers: []string{issuer, issuer + "/"}}, true},
		{"inside a cluster", VerifierOptions{Issuers: []string{"http://keycloak:8080/realms/r"}}, true},
		{"key set", VerifierOptions{Issuers: []string{issuer}, JWKSURL: "https://id.example/keys?v=1"}, true},
		// RFC 7519 section 4.1.1: iss need not be a URL when nothing has to be discovered.
		{"key set for a name", VerifierOptions{Issuers: []string{"tests"}, JWKSURL: "http://127.0.0.1:1/keys"}, true},
		// The library takes an empty issuer for "accept any".
		{"no issuer", VerifierOptions{}, false},
		{"empty issuer", VerifierOptions{Issuers: []string{""}}, false},
		{"blank issuer", VerifierOptions{Issuers: []string{issuer, " "}}, false},
		{"issuer after a comma and a blank", VerifierOptions{Issuers: []string{" " + issuer}}, false},
		{"issuer twice", VerifierOptions{Issuers: []string{issuer, issuer}}, false},
		{"issuer without scheme", VerifierOptions{Issuers: []string{"id.example"}}, false},
		{"issuer without host", VerifierOptions{Issuers: []string{"https:///realms"}}, false},
		{"issuer of a file", VerifierOptions{Issuers: []string{"file:///etc/keys"}}, false},
		{"issuer with query", VerifierOptions{Issuers: []string{issuer + "?a=b"}}, false},
		{"issuer with fragment", VerifierOptions{Issuers: []string{issuer + "#a"}}, false},
		{"issuer with user", VerifierOptions{Issuers: []string{"https://u:secret@id.example"}}, false},
		// With one key set for two issuers, each could sign tokens of the other.
		{"key set for two", VerifierOptions{Issuers: []string{issuer, issuer + "/"}, JWKSURL: issuer}, false},
		{"key set without scheme", VerifierOptions{Issuers: []string{issuer}, JWKSURL: "id.example/keys"}, false},
		{"blank audience", VerifierOptions{Issuers: []string{issuer}, Audience: " "}, false},
		{"leeway of an hour", VerifierOptions{Issuers: []string{issuer}, Leeway: time.Hour}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v, err := NewVerifier(row.options)
			if row.good != (err == nil) || row.good != (v != nil) {
				t.Fatalf("NewVerifier: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("password in the message: %v", err)
			}
		})
	}
}

func TestVerifierAcceptsEachAlgorithm(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	v := newVerifier(t, VerifierOptions{Issuers: []string{idp.Issuer()}, JWKSURL: idp.KeysURL()})
	loadNow(t, v)
	want := Principal{UserID: "u", Roles: []string{"r", "s"}, UserType: "PRACTITIONER"}
	for _, alg := range []string{"RS256", "PS256", "ES256"} {
		got, err := authenticate(t, v, idp.Sign(alg, nil, idp.Claims("u", "r", "s")))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if idp.Hits(authtest.DiscoveryPath) != 0 {
		t.Error("discovery was used although the key set is given")
	}
}

func TestKeysVerifyTokensOfTheirIssuerOnly(t *testing.T) {
	t.Parallel()
	employees, citizens := authtest.New(t), authtest.New(t)
	v := newVerifier(t, VerifierOptions{Issuers: []string{employees.Issuer(), citizens.Issuer()}})
	if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), citizens.Issuer()) {
		t.Errorf("Ready before any key: %v", err)
	}
	if _, err := authenticate(t, v, citizens.Token("u")); kindOf(t, err) != KeysUnavailable {
		t.Errorf("before any key: %v", err)
	}
	loadNow(t, v)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	for _, idp := range []*authtest.IDP{employees, citizens} {
		if _, err := authenticate(t, v, idp.Token("u")); err != nil {
			t.Error(err)
		}
	}
	// Both issuers use the same key ids, so only separate sets can distinguish them.
	forged := employees.Sign("RS256", nil, citizens.Claims("u"))
	if _, err := authenticate(t, v, forged); kindOf(t, err) != InvalidToken {
		t.Errorf("one issuer signed for the other: %v", err)
	}
}

func TestMaxLifetime(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	v := newVerifier(t, VerifierOptions{Issuers: []string{idp.Issuer()}, MaxLifetime: time.Minute})
	loadNow(t, v)
	if _, err := authenticate(t, v, idp.Token("u")); kindOf(t, err) != InvalidToken {
		t.Errorf("five minutes are above one: %v", err)
	}
}

// signal is a log handler that reports each line on a channel.
type signal struct {
	slog.Handler

	lines chan string
}

func (s signal) Handle(_ context.Context, r slog.Record) error {
	s.lines <- r.Message
	return nil
}
func (s signal) Enabled(context.Context, slog.Level) bool { return true }
func (s signal) WithAttrs([]slog.Attr) slog.Handler       { return s }

func TestRunOverTheNetwork(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	log := signal{Handler: slog.DiscardHandler, lines: make(chan string, 8)}
	v := newVerifier(t, VerifierOptions{Issuers: []string{idp.Issuer()}, Log: slog.New(log)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	if line := <-log.lines; line != "signing keys loaded" {
		t.Fatal(line)
	}
	if _, err := authenticate(t, v, idp.Token("u")); err != nil {
		t.Error(err)
	}
	idp.Rotate()
	if _, err := authenticate(t, v, idp.Token("u")); err != nil {
		t.Errorf("after rotation: %v", err)
	}
	if err := v.Run(ctx); err == nil {
		t.Error("second Run was not refused")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := authenticate(t, v, idp.Token("u")); err != nil {
		t.Errorf("the keys at hand must outlive Run: %v", err)
	}
	idp.Rotate()
	if _, err := authenticate(t, v, idp.Token("u")); !errors.Is(err, errUnknownKey) {
		t.Errorf("after Run no keys are loaded: %v", err)
	}
}
