// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzGateway searches for payloads that cause a panic, that yield a Principal without a user, or in
// which encoding/json reads another user.
func FuzzGateway(f *testing.F) {
	for _, header := range []string{"Bearer " + published, "bearer  a.b.c", "Bearer ..", "Basic x", ""} {
		f.Add(header, `{"alg":"none"}`, `{"user_id":"u"}`, "")
	}
	for _, payload := range []string{
		`{"user_id":"u","realm_access":{"roles":["r"]},"user_type":"SYSTEM","exp":1800000000,"nbf":0}`,
		`{"user_id":"","user_id":"v"}`, `{"user_id":"\ud83d\ude00\u0000"}`, `{"exp":1e300,"EXP":-0.5e-7}`,
		`{"user_id":"u","realm_access":[[[[{}]]]]}`, `null`, "{\"user_id\":\"\xff\"}",
	} {
		f.Add("", `{"alg":"none","kid":"k","crit":["b64"]}`, payload, "c2ln")
	}
	encode := base64.RawURLEncoding.EncodeToString
	f.Fuzz(func(t *testing.T, value, header, payload, signature string) {
		made := "Bearer " + encode([]byte(header)) + "." + encode([]byte(payload)) + "." + signature
		for _, authorization := range []string{value, made} {
			c := Credentials{Authorization: []string{authorization}, Peer: loopback}
			p, err := testGateway().Authenticate(t.Context(), c)
			if err != nil {
				if failure := new(Error); !errors.As(err, &failure) || failure.Kind == 0 {
					t.Fatalf("error without a kind: %v", err)
				}
				continue
			}
			if p.UserID == "" || strings.ContainsRune(p.UserID, 0) || !utf8.ValidString(p.UserID) {
				t.Fatalf("user %q", p.UserID)
			}
			segment := strings.Split(authorization, ".")[1]
			raw, err := base64.RawURLEncoding.DecodeString(segment)
			if err != nil {
				t.Fatal(err)
			}
			var plain struct {
				UserID string `json:"user_id"`
			}
			if err := json.Unmarshal(raw, &plain); err == nil && plain.UserID != p.UserID {
				t.Fatalf("user %q, plain reader %q", p.UserID, plain.UserID)
			}
		}
	})
}
