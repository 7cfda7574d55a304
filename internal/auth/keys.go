// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rsa"
	"encoding/json"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

// The accepted sizes of RSA keys. RFC 7518 section 3.3 requires at least 2048 bits. Larger keys than
// 8192 bits make each verification expensive.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// usableKeys returns the keys that may verify tokens. It skips other keys, because the sets of real
// providers contain encryption keys and unknown types of keys (RFC 7517 section 5).
func usableKeys(list []json.RawMessage) []jwkset.JWK {
	var keys []jwkset.JWK
	for _, raw := range list {
		var m jwkset.JWKMarshal
		if json.Unmarshal(raw, &m) != nil {
			continue
		}
		if key, ok := usableKey(m); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func usableKey(m jwkset.JWKMarshal) (jwkset.JWK, bool) {
	switch {
	case m.KID == "":
		return jwkset.JWK{}, false
	case m.USE != "" && m.USE != jwkset.UseSig:
		return jwkset.JWK{}, false
	case len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify):
		return jwkset.JWK{}, false
	case m.D != "" || m.K != "":
		// A published private or symmetric key lets every reader of the set sign tokens.
		return jwkset.JWK{}, false
	}
	allowed := algorithms(m)
	if len(allowed) == 0 {
		return jwkset.JWK{}, false
	}
	if m.ALG == "" {
		m.ALG = allowed[0]
	}
	if !slices.Contains(allowed, m.ALG) {
		return jwkset.JWK{}, false
	}
	// Certificates are dropped: the origin of the set decides about trust.
	key, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{
		KTY: m.KTY, USE: m.USE, ALG: m.ALG, KID: m.KID, CRV: m.CRV, X: m.X, Y: m.Y, N: m.N, E: m.E,
	}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return jwkset.JWK{}, false
	}
	if public, ok := key.Key().(*rsa.PublicKey); ok {
		if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return jwkset.JWK{}, false
		}
	}
	return key, true
}

// fingerprint identifies a set of keys, independent of their order.
func fingerprint(keys []jwkset.JWK) string {
	lines := make([]string, 0, len(keys))
	for _, key := range keys {
		line, _ := json.Marshal(key.Marshal()) //nolint:errchkjson // it comes from JSON
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// algorithms returns the algorithms of a type of key, the usual one first. A key without alg gets
// that one, because each key is for exactly one algorithm (RFC 8725 section 3.1). For elliptic
// curves the curve decides (RFC 7518 section 3.4).
func algorithms(m jwkset.JWKMarshal) []jwkset.ALG {
	switch m.KTY {
	case jwkset.KtyRSA:
		return []jwkset.ALG{
			jwkset.AlgRS256, jwkset.AlgRS384, jwkset.AlgRS512,
			jwkset.AlgPS256, jwkset.AlgPS384, jwkset.AlgPS512,
		}
	case jwkset.KtyEC:
		switch m.CRV {
		case jwkset.CrvP256:
			return []jwkset.ALG{jwkset.AlgES256}
		case jwkset.CrvP384:
			return []jwkset.ALG{jwkset.AlgES384}
		case jwkset.CrvP521:
			return []jwkset.ALG{jwkset.AlgES512}
		default:
			return nil
		}
	case jwkset.KtyOKP:
		if m.CRV == jwkset.CrvEd25519 {
			return []jwkset.ALG{jwkset.AlgEdDSA}
		}
		return nil
	default:
		return nil
	}
}
