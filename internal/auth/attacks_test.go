// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth/authtest"
)

type attack struct {
	name, token string
	want        Kind // 0: not an attack, must pass
}

// forger makes tokens for the table. Its issuer also publishes keys that must not be used: one
// for encryption, a symmetric one, a short one, and a good one that does not name its algorithm.
type forger struct {
	*authtest.IDP

	t      *testing.T
	other  *rsa.PrivateKey
	short  *rsa.PrivateKey
	secret []byte
}

func newForger(t *testing.T) forger {
	t.Helper()
	f := forger{IDP: authtest.New(t), t: t, secret: []byte("a symmetric key of decent length")}
	for bits, key := range map[int]**rsa.PrivateKey{2048: &f.other, 1024: &f.short} {
		made, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		*key = made
	}
	encryption := authtest.JWK(t, "enc", f.other.Public())
	encryption["use"] = "enc"
	f.Publish(
		encryption,
		authtest.JWK(t, "bare", f.Key("RS256").Public()),
		authtest.JWK(t, "short", f.short.Public()),
		authtest.Fields{"kty": "oct", "kid": "oct", "k": base64.RawURLEncoding.EncodeToString(f.secret)},
	)
	return f
}

// with is a properly signed token in which some claims differ; nil takes a claim out.
func (f forger) with(fields authtest.Fields) string {
	claims := f.Claims("u", "r")
	claims["aud"] = "reports"
	maps.Copy(claims, fields)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return f.Sign("RS256", nil, claims)
}

// headed is a token signed with any key, in which some header fields differ.
func (f forger) headed(alg string, key any, header string) string {
	return authtest.SignRaw(f.t, alg, key, header, f.payload(f.with(nil)))
}

func (f forger) header(fields authtest.Fields) string {
	claims := f.Claims("u", "r")
	claims["aud"] = "reports"
	return f.Sign("RS256", fields, claims)
}

func (f forger) payload(token string) string {
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}

// raw is a token signed properly over a payload in which old is replaced by fresh.
func (f forger) raw(old, fresh string) string {
	text := f.payload(f.with(nil))
	changed := strings.Replace(text, old, fresh, 1)
	if changed == text {
		f.t.Fatalf("nothing to replace: %s in %s", old, text)
	}
	return f.signed(changed)
}

func (f forger) signed(payload string) string {
	header := `{"alg":"RS256","kid":"` + f.KeyID("RS256") + `"}`
	return authtest.SignRaw(f.t, "RS256", f.Key("RS256"), header, payload)
}

// pems returns the public key as the two texts that careless verifiers take for an HMAC secret.
func (f forger) pems() (asPEM, asDER []byte) {
	der, err := x509.MarshalPKIXPublicKey(f.Key("RS256").Public())
	if err != nil {
		f.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), der
}

func (f forger) headerAttacks() []attack {
	good := f.with(nil)
	segments := strings.Split(good, ".")
	kid := f.KeyID("RS256")
	asPEM, asDER := f.pems()
	key := f.Key("RS256")
	unsigned := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + segments[1] + "."
	}
	own := authtest.JWK(f.t, "evil", f.other.Public())
	attacks := []attack{
		{"00 good", good, 0},
		{"31 typ in lower case", f.header(authtest.Fields{"typ": "jwt"}), 0},
		{"31 typ of RFC 9068", f.header(authtest.Fields{"typ": "at+jwt"}), 0},
		{"31 typ of RFC 9068 in full", f.header(authtest.Fields{"typ": "application/at+JWT"}), 0},
		{"31 typ absent", f.header(authtest.Fields{"typ": nil}), 0},
		{"key without alg, usual algorithm", f.header(authtest.Fields{"kid": "bare"}), 0},
		{"04 alg missing", f.headed("RS256", key, `{"kid":"`+kid+`"}`), InvalidToken},
		{"05 alg number", f.headed("RS256", key, `{"alg":256,"kid":"`+kid+`"}`), InvalidToken},
		{"06 alg in lower case", f.headed("RS256", key, `{"alg":"rs256","kid":"`+kid+`"}`), InvalidToken},
		{"35 header array", f.headed("RS256", key, `[]`), InvalidToken},
		{"36 header null", f.headed("RS256", key, `null`), InvalidToken},
		{"07 HS256 with the PEM", f.headed("HS256", asPEM, `{"alg":"HS256","kid":"`+kid+`"}`), InvalidToken},
		{"08 HS256 with the DER", f.headed("HS256", asDER, `{"alg":"HS256","kid":"`+kid+`"}`), InvalidToken},
		{"09 HS256 without kid", f.headed("HS256", asPEM, `{"alg":"HS256"}`), InvalidToken},
		{"10 PS256 with the key for RS256", f.headed("PS256", key, `{"alg":"PS256","kid":"`+kid+`"}`), InvalidToken},
		{"11 PS256 with a key for nothing", f.headed("PS256", key, `{"alg":"PS256","kid":"bare"}`), InvalidToken},
		{"12 PS256 without kid", f.headed("PS256", key, `{"alg":"PS256"}`), InvalidToken},
		{"13 HS256 with the symmetric key", f.headed("HS256", f.secret, `{"alg":"HS256","kid":"oct"}`), InvalidToken},
		{"14 the same without kid", f.headed("HS256", f.secret, `{"alg":"HS256"}`), InvalidToken},
		{"15 key for encryption", f.headed("RS256", f.other, `{"alg":"RS256","kid":"enc"}`), InvalidToken},
		{"16 the same without kid", f.headed("RS256", f.other, `{"alg":"RS256"}`), InvalidToken},
		{"17 wrong key", f.headed("RS256", f.other, `{"alg":"RS256","kid":"`+kid+`"}`), InvalidToken},
		{"18 no kid", f.header(authtest.Fields{"kid": nil}), InvalidToken},
		{"18 kid in other case", f.header(authtest.Fields{"kid": nil, "KID": kid}), InvalidToken},
		{"key of 1024 bits", f.headed("RS256", f.short, `{"alg":"RS256","kid":"short"}`), InvalidToken},
		{"30 crit with b64", f.header(authtest.Fields{"crit": []string{"b64"}, "b64": false}), InvalidToken},
		{"32 another kind of token", f.header(authtest.Fields{"typ": "logout+jwt"}), InvalidToken},
		{"32 typ number", f.header(authtest.Fields{"typ": 1}), InvalidToken},
		{"33 alg twice", f.headed("RS256", key, `{"alg":"none","alg":"RS256","kid":"`+kid+`"}`), InvalidToken},
		{"34 alg twice", f.headed("RS256", key, `{"alg":"RS256","alg":"none","kid":"`+kid+`"}`), InvalidToken},
		{"34 alg in two cases", f.headed("RS256", key, `{"ALG":"none","alg":"RS256","kid":"`+kid+`"}`), InvalidToken},
	}
	for name, kid := range map[string]any{
		"19 traversal": "../../dev/null", "20 SQL": "x' OR '1'='1", "21 NUL": kid + "\x00",
		"22 number": 1, "23 empty": "", "24 list": []string{kid}, "unknown": "canary", "long": strings.Repeat("k", 1000),
	} {
		attacks = append(attacks, attack{"kid " + name, f.header(authtest.Fields{"kid": kid}), InvalidToken})
	}
	null := f.headed("RS256", key, `{"alg":"RS256","kid":null}`)
	attacks = append(attacks, attack{"kid null", null, InvalidToken})
	for name, value := range map[string]any{
		"jku": "https://canary.example/keys", "x5u": "https://canary.example/x", "jwk": own, "x5c": []string{"MIIB"},
		"crit": []string{"canary"}, "b64": true, "zip": "DEF", "enc": "A256GCM",
	} {
		attacks = append(attacks, attack{"25-30 header " + name, f.header(authtest.Fields{name: value}), InvalidToken})
	}
	for _, alg := range []string{"none", "nOnE", "NONE", "None", " none", "none ", ""} {
		attacks = append(attacks,
			attack{"01-03 alg " + alg, unsigned(`{"alg":"` + alg + `"}`), InvalidToken},
			attack{"01-03 signed, alg " + alg, unsigned(`{"alg":"`+alg+`","kid":"`+kid+`"}`) + segments[2], InvalidToken})
	}
	return attacks
}

func (f forger) claimAttacks() []attack {
	now := time.Now().Unix()
	hour := int64(3600)
	iss := f.Issuer()
	with := func(name string, value any) string { return f.with(authtest.Fields{name: value}) }
	return []attack{
		{"41 expired within leeway", with("exp", now-10), 0},
		{"nbf zero", with("nbf", 0), 0},
		{"iat absent", with("iat", nil), 0},
		{"58 aud list", with("aud", []string{"EHealth", "reports"}), 0},
		{"typ Bearer", with("typ", "Bearer"), 0},
		{"40 expired", with("exp", now-hour), ExpiredToken},
		{"42 exp missing", with("exp", nil), InvalidToken},
		{"43 exp null", f.raw(`"exp":`, `"exp":null,"x":`), InvalidToken},
		{"44 exp zero", with("exp", 0), ExpiredToken},
		{"45 exp string", with("exp", "1900000000"), InvalidToken},
		{"46 exp 1e300", f.raw(`"exp":`, `"exp":1e300,"x":`), InvalidToken},
		{"47 exp of int64", with("exp", int64(1<<63-1)), InvalidToken},
		{"48 exp negative", with("exp", -1), ExpiredToken},
		{"49 exp in ten years", with("exp", now+10*365*24*hour), InvalidToken},
		{"50 nbf ahead", with("nbf", now+hour), InvalidToken},
		{"51 iat ahead", with("iat", now+hour), InvalidToken},
		{"iat string", with("iat", "0"), InvalidToken},
		{"52 iss wrong", with("iss", "https://canary.example"), InvalidToken},
		{"53 iss missing", with("iss", nil), InvalidToken},
		{"54 iss list", with("iss", []string{iss}), InvalidToken},
		{"55 iss with slash", with("iss", iss+"/"), InvalidToken},
		{"55 iss in other case", with("iss", strings.ToUpper(iss)), InvalidToken},
		{"iss empty", with("iss", ""), InvalidToken},
		{"56 aud wrong", with("aud", "canary"), InvalidToken},
		{"57 aud missing", with("aud", nil), InvalidToken},
		{"aud empty list", with("aud", []string{}), InvalidToken},
		{"59 aud mixed", with("aud", []any{"reports", 1}), InvalidToken},
		{"60 aud prefix", with("aud", "reports-admin"), InvalidToken},
		// An expired token of a stranger is no reason to invite him again.
		{"expired, wrong aud", f.with(authtest.Fields{"exp": now - hour, "aud": "canary"}), InvalidToken},
		{"61 user number", with("user_id", 7), NoUser},
		{"62 user null", f.raw(`"user_id":"u"`, `"user_id":null`), NoUser},
		{"63 user missing", f.with(authtest.Fields{"user_id": nil, "sub": "canary"}), NoUser},
		{"64 user empty", with("user_id", ""), NoUser},
		{"65 user object", with("user_id", authtest.Fields{"a": 1}), NoUser},
		{"66 user with NUL", with("user_id", "u\x00"), NoUser},
		// W-89: these are no reason to refuse, but grant nothing either.
		{"67 roles string", with("realm_access", authtest.Fields{"roles": "r"}), 0},
		{"68 roles object", with("realm_access", authtest.Fields{"roles": authtest.Fields{"r": 1}}), 0},
		{"69 roles mixed", with("realm_access", authtest.Fields{"roles": []any{"r", 1}}), 0},
		{"70 roles with null", with("realm_access", authtest.Fields{"roles": []any{"r", nil}}), 0},
		{"71 user twice", f.raw(`"user_id":"u"`, `"user_id":"u","user_id":"canary"`), InvalidToken},
		{"72 user in other case", f.raw(`"user_id":"u"`, `"user_id":"u","USER_ID":"canary"`), InvalidToken},
		{"73 expired, EXP ahead", f.raw(`"exp":`, `"exp":1,"EXP":`), InvalidToken},
		{"74 user not UTF-8", f.raw(`"user_id":"u"`, "\"user_id\":\"u\xff\""), InvalidToken},
		{"74 user half a surrogate", f.raw(`"user_id":"u"`, `"user_id":"u\ud800"`), InvalidToken},
		{"75 rubbish after the claims", f.signed(f.payload(f.with(nil)) + "x"), InvalidToken},
		{"75 second object", f.signed(f.payload(f.with(nil)) + "{}"), InvalidToken},
		{"76 claims list", f.signed("[" + f.payload(f.with(nil)) + "]"), InvalidToken},
		{"77 claims null", f.signed("null"), InvalidToken},
		{"78 byte order mark", f.signed("\ufeff" + f.payload(f.with(nil))), InvalidToken},
		{"79 nested 2000 deep", f.raw(`{`, `{"n":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`,`), InvalidToken},
		{"80 nested 20000 deep", f.raw(`{`, `{"n":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`,`), InvalidToken},
		{"85 one megabyte", with("n", strings.Repeat("n", 1<<20)), InvalidToken},
		// Keycloak signs all kinds of token with one key and tells them apart by this claim.
		{"ID token", with("typ", "ID"), InvalidToken},
		{"refresh token", with("typ", "Refresh"), InvalidToken},
		{"bound to a key the caller need not show", with("typ", "DPoP"), InvalidToken},
	}
}

func (f forger) formAttacks() []attack {
	good := f.with(nil)
	s := strings.Split(good, ".")
	stranger := strings.Split(f.with(authtest.Fields{"user_id": "canary"}), ".")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	return []attack{
		{"81 dot after it", good + ".", InvalidToken},
		{"82 two segments", s[0] + "." + s[1], InvalidToken},
		{"83 five segments", good + ".a.b", InvalidToken},
		{"84 many dots", strings.Repeat(".", 100000), InvalidToken},
		{"86 no signature", s[0] + "." + s[1] + ".", InvalidToken},
		{"87 signature cut", good[:len(good)-4], InvalidToken},
		{"87 signature of one byte", s[0] + "." + s[1] + ".AA", InvalidToken},
		// The same signature in another spelling would pass a list of revoked tokens.
		{"88 unused bits", good[:len(good)-1] + alphabet[last|1:last|1+1], InvalidToken},
		{"89 padding", good + "==", InvalidToken},
		{"90 line break", s[0] + "." + s[1][:8] + "\n" + s[1][8:] + "." + s[2], InvalidToken},
		{"91 standard alphabet", s[0] + "." + s[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s[2]) + "+/", InvalidToken},
		{"92 blank inside", s[0] + ". " + s[1] + "." + s[2], InvalidToken},
		{"93 blank after it", good + " ", InvalidToken},
		{"93 second token", good + " " + good, InvalidToken},
		{"94 empty", "", InvalidToken},
		{"95 payload of another token", s[0] + "." + stranger[1] + "." + s[2], InvalidToken},
		{"95 header of another token", stranger[0] + "." + s[1] + "." + stranger[2], InvalidToken},
	}
}

// TestAttacks presents forged tokens, numbered where they stem from a list of known attacks on
// verifiers built on these libraries. With usual options 20 kinds of them got through.
func TestAttacks(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	v := newVerifier(t, VerifierOptions{Issuers: []string{f.Issuer()}, Audience: "reports"})
	loadNow(t, v)
	for _, row := range append(append(f.headerAttacks(), f.claimAttacks()...), f.formAttacks()...) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p, err := authenticate(t, v, row.token)
			if kindOf(t, err) != row.want {
				t.Fatalf("got %v, %v; want %v", p, err, row.want)
			}
			if row.want == 0 {
				if p.UserID != "u" || strings.Contains(row.name, "roles") && p.Roles != nil {
					t.Errorf("got %v", p)
				}
				return
			}
			if text := err.Error(); strings.Contains(text, "canary") || len(text) > 80 {
				t.Errorf("message repeats the token: %s", text)
			}
			if p.UserID != "" || p.Roles != nil {
				t.Errorf("principal beside an error: %v", p)
			}
		})
	}
}
