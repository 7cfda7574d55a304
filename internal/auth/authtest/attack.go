// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"slices"
	"testing"
)

// Verdict is the required result of a verifier for a token.
type Verdict int

// The verdicts.
const (
	// Accepted: AttackUser with AttackRole.
	Accepted Verdict = iota
	// Roleless: AttackUser without a role, because the roles are malformed.
	Roleless
	// Invalid: the token is refused, and the client learns no reason.
	Invalid
	// Expired: the token has expired and has no other fault. The client fetches a new one.
	Expired
	// NoUser: the token is valid but has no user.
	NoUser
	// Malformed: several credentials, also when a proxy has joined them.
	Malformed
)

// The user and the role of valid tokens.
const (
	AttackUser = "u"
	AttackRole = "r"
)

// Canary is part of every text that a token can contain. A test searches for it in responses, logs
// and user ids, where it must not occur.
const Canary = "canary"

// Attack is a token and its required result. Some of the tokens are valid, so that a verifier that
// refuses every token fails the test.
type Attack struct {
	Name string
	// Breaks says which mistake of a verifier accepts the token and what an attacker gains. For a valid
	// token it says what a refusal breaks.
	Breaks string
	// Token is the text after "Bearer ". It may contain bytes that HTTP cannot transport.
	Token string
	Want  Verdict
}

// Attacks returns forged and valid tokens for an audience. It publishes keys that no verifier may use,
// so call it before the verifier loads the set.
//
// Tokens that are valid only because of the leeway stay valid for twenty seconds.
func Attacks(tb testing.TB, idp *IDP, audience string) []Attack {
	tb.Helper()
	f := newForger(tb, idp, audience)
	return slices.Concat(
		f.algorithms(), f.secrets(), f.keys(), f.keyIDs(), f.headers(), f.members(), f.types(), f.signatures(), f.forms(),
		f.dates(), f.issuers(), f.audiences(), f.users(), f.roles(), f.texts(), f.sizes(),
	)
}
