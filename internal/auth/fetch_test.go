// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth/authtest"
)

// The tests of the keyring use no sockets; this one does.
func TestFaultsOverTheNetwork(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	s := source{issuer: idp.Issuer(), client: hardened(nil)}
	if keys, err := s.fetch(t.Context()); err != nil || len(keys) != 3 {
		t.Fatalf("healthy: %d keys, %v", len(keys), err)
	}
	for name, fault := range faults {
		idp.Break(fault)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if fault == authtest.Hang {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		if keys, err := s.fetch(ctx); err == nil {
			t.Errorf("%s: %d keys", name, len(keys))
		}
		cancel()
	}
}

// served responds to each address with a text.
type served map[string]string

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	text, found := s[r.URL.String()]
	if !found {
		return nil, errors.New("nothing there")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	const document = "/.well-known/openid-configuration"
	for _, row := range []struct {
		name, issuer, at, answer, want string
	}{
		{
			"https", "https://id.example/r", "https://id.example/r" + document,
			`{"issuer":"https://id.example/r","jwks_uri":"https://keys.example/k?x=y"}`, "https://keys.example/k?x=y",
		},
		{
			// OpenID Connect Discovery section 4.1: the address has no slash at the end, the issuer keeps it.
			"slash", "https://id.example/r/", "https://id.example/r" + document,
			`{"issuer":"https://id.example/r/","jwks_uri":"https://id.example/k"}`, "https://id.example/k",
		},
		{
			"inside a cluster", "http://keycloak:8080", "http://keycloak:8080" + document,
			`{"issuer":"http://keycloak:8080","jwks_uri":"http://keycloak:8080/k"}`, "http://keycloak:8080/k",
		},
		{
			"sidecar", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example","jwks_uri":"http://127.0.0.1:15000/k"}`, "http://127.0.0.1:15000/k",
		},
		{
			// An attacker on the network could send other keys.
			"downgrade", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example","jwks_uri":"http://id.example/k"}`, "",
		},
		{
			"host that looks like loopback", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example","jwks_uri":"http://127.0.0.1.evil.example/k"}`, "",
		},
		{
			"another issuer", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example/","jwks_uri":"https://id.example/k"}`, "",
		},
		{
			"issuer twice", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example","issuer":"https://id.example","jwks_uri":"https://id.example/k"}`, "",
		},
		{
			"no issuer", "https://id.example", "https://id.example" + document,
			`{"jwks_uri":"https://id.example/k"}`, "",
		},
		{
			"no key set", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example"}`, "",
		},
		{
			"key set in a file", "https://id.example", "https://id.example" + document,
			`{"issuer":"https://id.example","jwks_uri":"file:///etc/keys"}`, "",
		},
		{"no JSON", "https://id.example", "https://id.example" + document, `<html>`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := source{issuer: row.issuer, client: &http.Client{Transport: served{row.at: row.answer}}}
			got, err := s.discover(t.Context())
			if got != row.want || (err == nil) != (row.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, row.want)
			}
		})
	}
}

// endless is a body without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}
func (e *endless) Close() error { return nil }

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: e, Request: r}, nil
}

func TestResponseSizeIsLimited(t *testing.T) {
	t.Parallel()
	body := &endless{}
	s := source{issuer: "https://id.example", client: &http.Client{Transport: body}}
	if _, err := s.fetch(t.Context()); err == nil {
		t.Error("an endless answer was accepted")
	}
	if body.read > maxResponse+1 {
		t.Errorf("%d bytes were read", body.read)
	}
}

// stale responds like a proxy with an old copy.
type stale struct{ http.RoundTripper }

func (s stale) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		response.StatusCode = http.StatusBadGateway
	}
	return response, err
}

func TestOnlyStatus200IsAccepted(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	s := source{issuer: idp.Issuer(), keysURL: idp.KeysURL(), client: &http.Client{Transport: stale{idp.Transport()}}}
	if keys, err := s.fetch(t.Context()); err == nil {
		t.Errorf("%d keys from an answer that is not 200", len(keys))
	}
}
