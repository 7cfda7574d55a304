// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
)

// forger creates the tokens of Attacks. It has keys besides those of the provider: other is the key of
// the attacker. The provider publishes the rest, although no verifier may use them.
type forger struct {
	*IDP

	tb           testing.TB
	audience     string
	other, short *rsa.PrivateKey
	edwards      ed25519.PrivateKey
	secret       []byte
	good         string // a valid token
	parts        []string
}

func newForger(tb testing.TB, idp *IDP, audience string) *forger {
	tb.Helper()
	f := &forger{
		IDP: idp, tb: tb, audience: audience, secret: []byte("a symmetric key of decent length"),
		other: rsaKey(tb, 2048), short: rsaKey(tb, 1024),
	}
	var err error
	if _, f.edwards, err = ed25519.GenerateKey(rand.Reader); err != nil {
		tb.Fatalf("generate Edwards key: %v", err)
	}
	own := func(id string, fields Fields) Fields { return f.published(id, &f.other.PublicKey, fields) }
	f.Publish(
		JWK(tb, "bare", f.Key("RS256").Public()),
		JWK(tb, "short", f.short.Public()),
		JWK(tb, "edwards", f.edwards.Public()),
		JWK(tb, "one", &rsa.PublicKey{N: f.other.N, E: 1}),
		own("enc", Fields{"use": "enc"}),
		own("wrap", Fields{"key_ops": []string{"wrapKey"}}),
		own("whole", Fields{"d": segment(f.other.D.Bytes())}),
		own("RS512", Fields{"alg": "RS512"}),
		own("ES256", Fields{"alg": "ES256"}),
		Fields{"kty": "oct", "kid": "oct", "k": segment(f.secret)},
	)
	f.good = f.with(nil)
	f.parts = strings.Split(f.good, ".")
	return f
}

// published returns a key of the set with further members.
func (f *forger) published(id string, key *rsa.PublicKey, fields Fields) Fields {
	jwk := JWK(f.tb, id, key)
	maps.Copy(jwk, fields)
	return jwk
}

// claims returns the claims of a valid token, changed by fields; a nil value removes one.
func (f *forger) claims(fields Fields) Fields {
	claims := f.Claims(AttackUser, AttackRole)
	claims["aud"] = f.audience
	maps.Copy(claims, fields)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// with is a token the provider signed over claims of which some differ.
func (f *forger) with(fields Fields) string { return f.Sign("RS256", nil, f.claims(fields)) }

// claim returns a valid token with one claim changed.
func (f *forger) claim(name string, value any) string { return f.with(Fields{name: value}) }

// header returns a valid token with some fields of the header changed.
func (f *forger) header(fields Fields) string { return f.Sign("RS256", fields, f.claims(nil)) }

// headed returns a token with the given header and key.
func (f *forger) headed(alg string, key any, header string) string {
	return SignRaw(f.tb, alg, key, header, f.payload())
}

// rs256 returns a token with the given header, signed by the provider.
func (f *forger) rs256(header string) string { return f.headed("RS256", f.Key("RS256"), header) }

// forged returns a token with the given header, signed by the attacker.
func (f *forger) forged(header string) string { return f.headed("RS256", f.other, header) }

// payload returns the text of valid claims.
func (f *forger) payload() string { return encode(f.tb, f.claims(nil)) }

// signed returns a token with the given payload, signed by the provider.
func (f *forger) signed(payload string) string {
	return SignRaw(f.tb, "RS256", f.Key("RS256"), f.text("RS256", ""), payload)
}

// raw returns a token of the provider in whose payload fresh replaces old.
func (f *forger) raw(old, fresh string) string {
	text := f.payload()
	changed := strings.Replace(text, old, fresh, 1)
	if changed == text {
		f.tb.Fatalf("nothing to replace: %s in %s", old, text)
	}
	return f.signed(changed)
}

// first returns a token of the provider whose payload begins with further members.
func (f *forger) first(members string) string { return f.raw("{", "{"+members+",") }

// user returns a token of the provider in whose payload text replaces the member user_id.
func (f *forger) user(text string) string { return f.raw(`"user_id":"`+AttackUser+`"`, text) }

// text returns a header for an algorithm with the valid key id; more is appended after the members.
func (f *forger) text(alg, more string) string {
	return `{"alg":"` + alg + `","kid":"` + f.KeyID("RS256") + `"` + more + `}`
}

// unsigned returns a token with the given header and signature.
func (f *forger) unsigned(header, signature string) string {
	return segment([]byte(header)) + "." + f.parts[1] + "." + signature
}

// resigned returns a token with a changed signature.
func (f *forger) resigned(token string, change func(signature []byte) []byte) string {
	f.tb.Helper()
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		f.tb.Fatalf("read signature: %v", err)
	}
	return token[:dot+1] + segment(change(signature))
}
