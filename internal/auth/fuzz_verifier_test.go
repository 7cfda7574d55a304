// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth/authtest"
)

// The clock is fixed and the issuer is a constant, so that an input has the same result in every
// process.
const (
	fuzzIssuer   = "tests"
	fuzzAudience = "reports"
	fuzzNow      = 1790000000
)

// fuzzed is the verifier and the provider for all inputs of a process.
type fuzzed struct {
	idp     *authtest.IDP
	v       *Verifier
	attacks []authtest.Attack
}

func newFuzzed(f *testing.F) fuzzed {
	f.Helper()
	idp := authtest.New(f)
	attacks := authtest.Attacks(f, idp, fuzzAudience)
	v := newVerifier(f, VerifierOptions{
		Issuers: []string{fuzzIssuer}, JWKSURL: idp.KeysURL(), Audience: fuzzAudience,
		Now: func() time.Time { return time.Unix(fuzzNow, 0) },
	})
	loadNow(f, v)
	return fuzzed{idp, v, attacks}
}

// sign returns a token over two texts. It uses the algorithm of the header, so that the signature is no
// reason to refuse the token, or else the fastest one.
func (z fuzzed) sign(t *testing.T, header, payload string, mutation []byte) (token string, changed bool) {
	t.Helper()
	var plain struct{ Alg string }
	alg := "ES256"
	if json.Unmarshal([]byte(header), &plain) == nil && (plain.Alg == "RS256" || plain.Alg == "PS256") {
		alg = plain.Alg
	}
	token = authtest.SignRaw(t, alg, z.idp.Key(alg), header, payload)
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	mutated := slices.Clone(signature)
	for i, with := range mutation {
		if i < len(mutated) {
			mutated[i] ^= with
		} else {
			mutated = append(mutated, with)
		}
	}
	return token[:dot+1] + base64.RawURLEncoding.EncodeToString(mutated), !bytes.Equal(signature, mutated)
}

// refused fails unless the result is an *Error without a Principal.
func (fuzzed) refused(t *testing.T, p Principal, err error) {
	t.Helper()
	failure := new(Error)
	if !errors.As(err, &failure) || failure.Kind == 0 {
		t.Fatalf("error without a kind: %v", err)
	}
	if strings.Contains(err.Error(), authtest.Canary) || len(err.Error()) > 80 {
		t.Fatalf("message repeats the token: %v", err)
	}
	if p.UserID != "" || p.Roles != nil || p.UserType != "" {
		t.Fatalf("principal beside an error: %v", p)
	}
}

// accepted fails when encoding/json reads another user, or claims that must be refused.
func (fuzzed) accepted(t *testing.T, p Principal, header, payload string) {
	t.Helper()
	var claims struct {
		UserID string `json:"user_id"`
		Iss    string
		Exp    *float64
		Aud    any
	}
	if err := json.Unmarshal([]byte(payload), &claims); err != nil {
		t.Fatalf("a plain reader cannot read it: %v", err)
	}
	if claims.UserID != p.UserID || p.UserID == "" || strings.ContainsRune(p.UserID, 0) {
		t.Fatalf("user %q, a plain reader sees %q", p.UserID, claims.UserID)
	}
	if claims.Exp == nil || *claims.Exp <= fuzzNow-30 || *claims.Exp > fuzzNow+24*60*60 {
		t.Fatal("exp is missing or not in the window")
	}
	list, _ := claims.Aud.([]any)
	if claims.Iss != fuzzIssuer || claims.Aud != fuzzAudience && !slices.Contains(list, any(fuzzAudience)) {
		t.Fatalf("issuer %q, audience %q", claims.Iss, claims.Aud)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(header), &members); err != nil {
		t.Fatalf("a plain reader cannot read the header: %v", err)
	}
	if _, critical := members["crit"]; critical {
		t.Fatal("crit is ignored")
	}
	if p.Roles == nil {
		return
	}
	var access struct {
		RealmAccess struct{ Roles []string } `json:"realm_access"`
	}
	if err := json.Unmarshal([]byte(payload), &access); err != nil || !slices.Equal(access.RealmAccess.Roles, p.Roles) {
		t.Fatalf("roles %q, a plain reader sees %q, %v", p.Roles, access.RealmAccess.Roles, err)
	}
}

// FuzzVerifier searches for tokens that cause a panic, that are accepted without the provider's
// signature over exactly these bytes, or that encoding/json reads in another way.
func FuzzVerifier(f *testing.F) {
	z := newFuzzed(f)
	const header = `{"alg":"ES256","kid":"ES256-1","typ":"JWT"}`
	const payload = `{"iss":"tests","aud":"reports","exp":1790000300,"user_id":"u","realm_access":{"roles":["r"]},"n":"canary"}`
	// For this verifier the tokens of the table have another issuer and another time.
	dates := regexp.MustCompile(`"(exp|nbf|iat)":\d{10}\b`)
	here := map[string]string{`"exp"`: `"exp":1790000300`, `"nbf"`: `"nbf":1790000000`, `"iat"`: `"iat":1790000000`}
	for _, row := range z.attacks {
		parts := strings.Split(row.Token, ".")
		if len(row.Token) > 2000 {
			continue
		}
		if len(parts) != 3 {
			f.Add(header, payload, []byte{}, "Bearer "+row.Token)
			continue
		}
		first, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil {
			continue
		}
		second, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			continue
		}
		text := strings.ReplaceAll(string(second), z.idp.Issuer(), fuzzIssuer)
		text = dates.ReplaceAllStringFunc(text, func(date string) string { return here[date[:len(`"exp"`)]] })
		f.Add(string(first), text, []byte{}, "")
	}
	for _, mutation := range [][]byte{nil, {0}, {1}, bytes.Repeat([]byte{0}, 64), bytes.Repeat([]byte{0}, 65)} {
		f.Add(header, payload, mutation, "")
	}
	for _, header := range []string{
		`{"alg":"RS256","kid":"RS256-1"}`, `{"alg":"PS256","kid":"PS256-1","typ":"application\/at+jwt"}`,
		`{"alg":"ES256","kid":"RS256-1"}`, `{"alg":"ES256","kid":"canary"}`, `{"alg":"ES256","kid":"ES256-1","crit":["canary"]}`,
	} {
		f.Add(header, payload, []byte{}, "")
	}
	f.Add(header, `{"iss":"tests","aud":["a","reports"],"exp":1.7900003e9,"nbf":0,"iat":1790000000.5,"user_id":"\u00fc"}`, []byte{}, "")
	f.Add(header, `{"iss":"tests","aud":"reports","exp":1790000300,"user_id":"u","USER_ID":"canary"}`, []byte{}, "")
	for _, value := range []string{"", "Bearer", "bearer  ..", "Basic canary", "Bearer a.b.c, Bearer d.e.f", "Bearer e30.e30.", "Bearer \x00"} {
		f.Add(header, payload, []byte{}, value)
	}
	f.Fuzz(func(t *testing.T, header, payload string, mutation []byte, value string) {
		// Only sign has the keys.
		p, err := z.v.Authenticate(t.Context(), Credentials{Authorization: []string{value}})
		z.refused(t, p, err)
		token, changed := z.sign(t, header, payload, mutation)
		p, err = authenticate(t, z.v, token)
		switch {
		case err != nil:
			z.refused(t, p, err)
		case changed:
			t.Fatal("accepted with another signature than the provider's")
		default:
			z.accepted(t, p, header, payload)
		}
	})
}
