// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
)

// signatures returns tokens whose signature is changed, copied from another token, or in another form.
func (f *forger) signatures() []Attack {
	curved := f.Sign("ES256", nil, f.claims(nil))
	edwards := f.headed("EdDSA", f.edwards, `{"alg":"EdDSA","kid":"edwards"}`)
	stranger := strings.Split(f.with(Fields{"user_id": Canary}), ".")
	fill := func(length int, with byte) func([]byte) []byte {
		return func([]byte) []byte { return bytes.Repeat([]byte{with}, length) }
	}
	return []Attack{
		{"ES256, the other of the two", "each signature has a second valid form with n-s, and RFC 7518 knows no rule which to make: half of all tokens would fail", f.resigned(curved, negated), Accepted},
		{"ES256, DER", "a length that is not fixed lets one signature have many spellings, and DER readers have bugs", f.resigned(curved, toDER), Invalid},
		{"ES256, zero", "0 = 0 holds for every key and every text where the range is not checked (CVE-2022-21449)", f.resigned(curved, fill(64, 0)), Invalid},
		{"ES256, the order", "the order is zero once it is reduced, past a check that looks for zero only", f.resigned(curved, func([]byte) []byte {
			return slices.Concat(order().Bytes(), order().Bytes())
		}), Invalid},
		{"ES256, longer", "verifiers that halve whatever length there is read other numbers with the same value", f.resigned(curved, func(s []byte) []byte {
			return slices.Concat([]byte{0}, s[:32], []byte{0}, s[32:])
		}), Invalid},
		{"EdDSA, s above the order", "adding the order gives the same token another spelling, past a list of revoked ones (RFC 8032 section 5.1.7)", f.resigned(edwards, aboveOrder), Invalid},
		{"EdDSA, zero", "the zero point with s = 0 fits keys of small order", f.resigned(edwards, fill(64, 0)), Invalid},
		{"RS256, zero", "zero to any power is zero, where the padding is not compared in full", f.resigned(f.good, fill(256, 0)), Invalid},
		{"RS256, one", "one to any power is one, and lax readers of the padding take that for a start", f.resigned(f.good, func(s []byte) []byte {
			return append(make([]byte, len(s)-1), 1)
		}), Invalid},
		{"RS256, above the modulus", "numbers that are reduced have many spellings", f.resigned(f.good, fill(256, 0xff)), Invalid},
		{"RS256, a byte in front", "leading zeros do not change the number, so that one token has many spellings", f.resigned(f.good, func(s []byte) []byte {
			return slices.Concat([]byte{0}, s)
		}), Invalid},
		{"RS256, a byte behind", "code that reads as many bytes as it needs leaves the rest for anything", f.resigned(f.good, func(s []byte) []byte {
			return append(s, 0)
		}), Invalid},
		{"one bit off", "comparing a part of it is as good as comparing nothing", f.resigned(f.good, func(s []byte) []byte {
			s[len(s)-1] ^= 1
			return s
		}), Invalid},
		{"no signature", "verifiers that skip what is empty verify nothing", f.parts[0] + "." + f.parts[1] + ".", Invalid},
		{"signature cut", "a comparison up to the shorter of two lengths can be guessed byte by byte", f.good[:len(f.good)-4], Invalid},
		{"signature of one byte", "the shortest prefix there is, right in one of 256 cases", f.parts[0] + "." + f.parts[1] + ".AA", Invalid},
		{"payload of another token", "verifiers that cache by header and signature serve one user as another", f.parts[0] + "." + stranger[1] + "." + f.parts[2], Invalid},
		{"signature of another token", "both were signed by the provider, so that checking who signed is not checking what", f.parts[0] + "." + f.parts[1] + "." + stranger[2], Invalid},
	}
}

func order() *big.Int { return elliptic.P256().Params().N }

// negated returns the other valid ECDSA signature of the same text, with n-s in place of s.
func negated(signature []byte) []byte {
	s := new(big.Int).SetBytes(signature[32:])
	return append(signature[:32], s.Sub(order(), s).FillBytes(make([]byte, 32))...)
}

// toDER returns the signature in the encoding of X.509 (RFC 3279 section 2.2.3).
func toDER(signature []byte) []byte {
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	return der
}

// aboveOrder adds the order of the curve, 2^252 + 277…493, to the second half, which is
// little-endian.
func aboveOrder(signature []byte) []byte {
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	half := slices.Clone(signature[32:])
	slices.Reverse(half)
	half = order.Add(order, new(big.Int).SetBytes(half)).FillBytes(half)
	slices.Reverse(half)
	return append(signature[:32], half...)
}

// padded returns a token with the signature for a key with exponent one: the padded hash (RFC 8017
// section 9.2).
func (f *forger) padded(header string) string {
	token := f.forged(header)
	hash := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
	prefix := "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	return f.resigned(token, func(s []byte) []byte {
		fill := bytes.Repeat([]byte{0xff}, len(s)-3-len(prefix)-len(hash))
		return slices.Concat([]byte{0, 1}, fill, []byte{0}, []byte(prefix), hash[:])
	})
}
