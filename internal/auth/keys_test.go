// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"testing"

	"reporting/internal/auth/authtest"
)

func TestUsableKeys(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	rsaKey := authtest.JWK(t, "k", idp.Key("RS256").Public())
	ecKey := authtest.JWK(t, "k", idp.Key("ES256").Public())
	bits := func(n uint) rsa.PublicKey {
		return rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), n-1), big.NewInt(1)), E: 65537}
	}
	short, long, enough := bits(2047), bits(8193), bits(2048)
	for _, row := range []struct {
		name   string
		key    authtest.Fields
		fields authtest.Fields
		alg    string // empty: not usable
	}{
		{"RSA", rsaKey, nil, "RS256"},
		{"RSA for another algorithm", rsaKey, authtest.Fields{"alg": "PS512"}, "PS512"},
		{"for signatures", rsaKey, authtest.Fields{"use": "sig", "key_ops": []string{"verify"}}, "RS256"},
		{"P-256", ecKey, nil, "ES256"},
		{"P-384", authtest.JWK(t, "k", p384.Public()), nil, "ES384"},
		{"Ed25519", authtest.Fields{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encode(edwards)}, nil, "EdDSA"},
		{"RSA, just enough", authtest.JWK(t, "k", &enough), nil, "RS256"},
		// Azure and Keycloak publish certificates too. An invalid certificate does not make the key unusable.
		{"broken certificate", rsaKey, authtest.Fields{"x5c": []string{"?"}, "x5u": "http://x", "x5t": "?"}, "RS256"},
		{"RSA, too short", authtest.JWK(t, "k", &short), nil, ""},
		{"RSA, too long", authtest.JWK(t, "k", &long), nil, ""},
		// With the exponent 1 the signature equals the padded message.
		{"exponent 1", rsaKey, authtest.Fields{"e": "AQ"}, ""},
		{"exponent above 64 bits", rsaKey, authtest.Fields{"e": encode([]byte("\x01\x00\x00\x00\x00\x00\x01\x00\x01"))}, ""},
		{"no id", rsaKey, authtest.Fields{"kid": ""}, ""},
		{"id number", rsaKey, authtest.Fields{"kid": 1}, ""},
		{"for encryption", rsaKey, authtest.Fields{"use": "enc"}, ""},
		{"for wrapping", rsaKey, authtest.Fields{"key_ops": []string{"wrapKey"}}, ""},
		{"algorithm for encryption", rsaKey, authtest.Fields{"alg": "RSA-OAEP"}, ""},
		{"HMAC with an RSA key", rsaKey, authtest.Fields{"alg": "HS256"}, ""},
		{"none", rsaKey, authtest.Fields{"alg": "none"}, ""},
		{"private", rsaKey, authtest.Fields{"d": "AQAB"}, ""},
		{"symmetric", authtest.Fields{"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, nil, ""},
		// The library checks the length of an ES256 signature but not the curve of the key.
		{"curve of another algorithm", ecKey, authtest.Fields{"alg": "ES384"}, ""},
		{"point off the curve", ecKey, authtest.Fields{"x": "AQAB"}, ""},
		{"unknown curve", ecKey, authtest.Fields{"crv": "secp256k1"}, ""},
		{"Ed448", authtest.Fields{"kty": "OKP", "crv": "Ed448", "kid": "k", "x": "AQAB"}, nil, ""},
		{"unknown type", rsaKey, authtest.Fields{"kty": "AKP"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			key := maps.Clone(row.key)
			maps.Copy(key, row.fields)
			raw, err := json.Marshal(key)
			if err != nil {
				t.Fatal(err)
			}
			// Unusable keys in the same set have no effect. Sets of real providers contain them.
			got := usableKeys([]json.RawMessage{json.RawMessage(`null`), json.RawMessage(`7`), raw})
			switch {
			case row.alg == "" && len(got) != 0:
				t.Errorf("usable as %s", got[0].Marshal().ALG)
			case row.alg != "" && (len(got) != 1 || got[0].Marshal().ALG.String() != row.alg):
				t.Errorf("got %v, want one key for %s", got, row.alg)
			}
		})
	}
}
