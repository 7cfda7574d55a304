// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// SignRaw returns a token over two texts, which need not be JSON. The key is a private key, or bytes for
// HS256.
func SignRaw(tb testing.TB, alg string, key any, header, payload string) string {
	tb.Helper()
	text := segment([]byte(header)) + "." + segment([]byte(payload))
	signature, err := jwt.GetSigningMethod(alg).Sign(text, key)
	if err != nil {
		tb.Fatalf("sign with %s: %v", alg, err)
	}
	return text + "." + segment(signature)
}

// JWK returns a public key for Publish (RFC 7517 section 4, RFC 7518 section 6, RFC 8037), without alg and
// use.
func JWK(tb testing.TB, id string, key crypto.PublicKey) Fields {
	tb.Helper()
	switch key := key.(type) {
	case *rsa.PublicKey:
		return Fields{
			"kty": "RSA", "kid": id,
			"n": segment(key.N.Bytes()), "e": segment(big.NewInt(int64(key.E)).Bytes()),
		}
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y: SEC 1 section 2.3.3
		if err != nil {
			tb.Fatalf("encode elliptic key: %v", err)
		}
		half := len(point) / 2
		return Fields{
			"kty": "EC", "kid": id, "crv": key.Params().Name,
			"x": segment(point[1 : 1+half]), "y": segment(point[1+half:]),
		}
	case ed25519.PublicKey:
		return Fields{"kty": "OKP", "kid": id, "crv": "Ed25519", "x": segment(key)}
	}
	tb.Fatalf("no JWK for a %T", key)
	return nil
}

// keySet returns the published keys. The caller holds the lock.
func (p *IDP) keySet() Fields {
	keys := []Fields{}
	for alg, public := range map[string]crypto.PublicKey{
		"RS256": p.rsa.Public(), "PS256": p.rsa.Public(), "ES256": p.ec.Public(),
	} {
		key := JWK(p.tb, p.keyID(alg), public)
		key["alg"], key["use"] = alg, "sig"
		keys = append(keys, key)
	}
	return Fields{"keys": append(keys, p.extra...)}
}

func segment(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
