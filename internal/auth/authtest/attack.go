// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"slices"
	"testing"
)

// Verdict is what a service has to say to a token.
type Verdict int

// The verdicts.
const (
	// Accepted: the token is the user's, with the role it names.
	Accepted Verdict = iota
	// Roleless: the token is the user's, but what it says about roles grants none.
	Roleless
	// Invalid: no reason to tell, and none to come again.
	Invalid
	// Expired: good once, so that the client should fetch another.
	Expired
	// NoUser: signed by the right issuer, but without a user.
	NoUser
	// Malformed: several credentials, or what a proxy makes of several.
	Malformed
)

// The one user of the tokens, and the one role.
const (
	AttackUser = "u"
	AttackRole = "r"
)

// Canary stands wherever a token can carry text, so that a test finds it where it must not be: in
// an answer, a log, or as the name of a user.
const Canary = "canary"

// Attack is a token and what has to become of it. Sound tokens are among them: a verifier that
// refused everything would pass otherwise.
type Attack struct {
	Name string
	// Breaks says which careless verifier lets the token through and what that gains, and of a
	// sound token, what refusing it would break.
	Breaks string
	// Token is what follows "Bearer ". It may hold anything, even what HTTP cannot carry.
	Token string
	Want  Verdict
}

// Attacks are forged and sound tokens of the provider, for an audience. It publishes keys that
// must not be used beside the good ones, so that it comes before the verifier loads the set.
//
// Tokens that are sound only because clocks may differ stay so for twenty seconds.
func Attacks(tb testing.TB, idp *IDP, audience string) []Attack {
	tb.Helper()
	f := newForger(tb, idp, audience)
	return slices.Concat(
		f.algorithms(), f.secrets(), f.keys(), f.keyIDs(), f.headers(), f.members(), f.types(), f.signatures(), f.forms(),
		f.dates(), f.issuers(), f.audiences(), f.users(), f.roles(), f.texts(), f.sizes(),
	)
}
