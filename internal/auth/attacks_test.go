// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"testing"

	"reporting/internal/auth/authtest"
)

var kinds = map[authtest.Verdict]Kind{
	authtest.Accepted: 0, authtest.Roleless: 0, authtest.Invalid: InvalidToken,
	authtest.Expired: ExpiredToken, authtest.NoUser: NoUser, authtest.Malformed: MalformedRequest,
}

// With the usual options of the JWT and JWK libraries, more than twenty of these tokens were accepted.
func TestAttacks(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	attacks := authtest.Attacks(t, idp, "reports")
	v := newVerifier(t, VerifierOptions{Issuers: []string{idp.Issuer()}, Audience: "reports"})
	loadNow(t, v)
	// HTTP removes blanks at the end of a header, so only this test has the token.
	attacks = append(attacks, authtest.Attack{
		Name: "blank after it", Breaks: "a verifier that trims accepts many spellings of one token",
		Token: attacks[0].Token + " ", Want: authtest.Invalid,
	})
	names := map[string]bool{}
	for _, row := range attacks {
		if row.Breaks == "" || names[row.Name] {
			t.Errorf("%s: does not say what it breaks, or is there twice", row.Name)
		}
		names[row.Name] = true
		t.Run(row.Name, func(t *testing.T) {
			p, err := authenticate(t, v, row.Token)
			want, known := kinds[row.Want]
			if !known || kindOf(t, err) != want {
				t.Fatalf("got %v, %v; want %v: %s", p, err, want, row.Breaks)
			}
			if want == 0 {
				roles := []string{authtest.AttackRole}
				if row.Want == authtest.Roleless {
					roles = nil
				}
				if p.UserID != authtest.AttackUser || !slices.Equal(p.Roles, roles) || (roles == nil) != (p.Roles == nil) {
					t.Errorf("got %v", p)
				}
				return
			}
			if text := err.Error(); strings.Contains(text, authtest.Canary) || len(text) > 80 {
				t.Errorf("message repeats the token: %s", text)
			}
			if p.UserID != "" || p.Roles != nil || p.UserType != "" {
				t.Errorf("principal beside an error: %v", p)
			}
		})
	}
}

// Ids that look alike are different users. Trimming, case folding or normalising them would show one
// user the jobs of another.
func TestUserIDsAreNotNormalised(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	v := newVerifier(t, VerifierOptions{Issuers: []string{idp.Issuer()}})
	loadNow(t, v)
	for _, id := range []string{
		"u", "U", "u ", " u", " ", "\tu", "u\n", "\u00fc", "u\u0308", "\u017f", "\uff55", "u\u200b", "\u202eu", "%75", "u'--", "..", "null", "7",
	} {
		if p, err := authenticate(t, v, idp.Token(id)); err != nil || p.UserID != id {
			t.Errorf("%q: got %q, %v", id, p.UserID, err)
		}
	}
}
