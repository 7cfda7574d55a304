// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"math/big"
	"strconv"
	"time"
)

// dates returns tokens that have expired, are not valid yet, or have malformed dates.
func (f *forger) dates() []Attack {
	now := time.Now().Unix()
	const hour = int64(3600)
	soon := strconv.FormatInt(now+300, 10)
	wrapped := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(now+300)).String()
	// exp writes the claim as text, because encoding/json cannot produce such values.
	exp := func(text string) string { return f.raw(`"exp":`, `"exp":`+text+`,"was":`) }
	return append(
		[]Attack{
			{"exp a moment ago", "clocks differ, and clients would be sent away in the last second of each token", f.claim("exp", now-10), Accepted},
			{"exp half a second later", "RFC 7519 section 2 allows fractions, and providers in Python write them", f.claim("exp", float64(now)+300.5), Accepted},
			{"exp with exponent", "any JSON number will do, and floating point is printed like that by some languages", exp(soon + "0e-1"), Accepted},
			{"exp in twelve hours", "tokens of a long session are long, and a working day is no mistake", f.claim("exp", now+12*hour), Accepted},
			{"nbf zero", "Keycloak wrote that for years", f.claim("nbf", 0), Accepted},
			{"nbf in a moment", "the provider's clock is ahead, and its first token would fail", f.claim("nbf", now+10), Accepted},
			{"iat in a moment", "the provider's clock is ahead", f.claim("iat", now+10), Accepted},
			{"iat absent", "RFC 7519 section 4.1.6 makes it optional", f.claim("iat", nil), Accepted},
			{"expired", "a token stolen from an old log or a browser's history", f.claim("exp", now-hour), Expired},
			{"exp zero", "zero is the value of a date that was not set, and stands for never in some code", f.claim("exp", 0), Expired},
			{"exp minus zero", "minus zero is no less than zero to a comparison that looks for negative dates", exp("-0"), Expired},
			{"exp negative", "an unsigned number makes it a date in the far future", f.claim("exp", -1), Expired},
			{"exp missing", "a check of exp that needs exp to be there never expires anything", f.claim("exp", nil), Invalid},
			{"exp in capitals only", "encoding/json reads it as exp, and the next service sees a token that never expires", f.raw(`"exp":`, `"EXP":`), Invalid},
			{"EXP after an expired exp", "the last of two names in different case wins in encoding/json", f.raw(`"exp":`, `"exp":1,"EXP":`), Invalid},
			{"exp twice", "one reader sees a token that has expired and the other one that has not", f.raw(`"exp":`, `"exp":1,"exp":`), Invalid},
			{"exp in milliseconds", "the habit of JavaScript, good until the year 58000", f.claim("exp", (now+300)*1000), Invalid},
			{"exp of int64", "adding the leeway makes it negative or, in other code, eternal", f.claim("exp", int64(1<<63-1)), Invalid},
			{"exp around int64", "a reader that drops what is above 64 bits sees five minutes from now", exp(wrapped), Invalid},
			{"exp in ten years", "a token given out by mistake is a password for ten years", f.claim("exp", now+10*365*24*hour), Invalid},
			{"nbf ahead", "a token made out in advance, for work that begins next week", f.claim("nbf", now+hour), Invalid},
			{"nbf text", "a cast that fails leaves no date, and no date means at once", f.claim("nbf", strconv.FormatInt(now+hour, 10)), Invalid},
			{"nbf null", "null is dropped by decoders, and the check with it", f.first(`"nbf":null`), Invalid},
			{"iat ahead", "the provider does not issue tokens in the future", f.claim("iat", now+hour), Invalid},
			{"iat text", "what is wrong with one date may be wrong with the others", f.claim("iat", "0"), Invalid},
			// A forged token is invalid, also when it has expired.
			{"expired, of another audience", "the answer for expired tokens tells a client to come again, with a token that is not for us", f.with(Fields{"exp": now - hour, "aud": Canary}), Invalid},
			{"expired, forged", "whether a date is in the past would be told to callers with no signature at all", SignRaw(
				f.tb, "RS256", f.other, f.text("RS256", ""), encode(f.tb, f.claims(Fields{"exp": now - hour})),
			), Invalid},
		},
		shapes(soon, exp)...,
	)
}

// shapes returns values of exp that are no dates.
func shapes(soon string, exp func(text string) string) []Attack {
	var rows []Attack
	for _, row := range []struct{ name, text, breaks string }{
		{"null", "null", "null is dropped by decoders, and a date that is not there is never in the past"},
		{"text", `"` + soon + `"`, "comparing texts puts 9 behind 1900000000"},
		{"empty text", `""`, "the empty text is zero in PHP and an error that is ignored elsewhere"},
		{"ISO date", `"2999-01-01T00:00:00Z"`, "readers that help turn it into a date, others into 2999"},
		{"true", "true", "true is greater than any date in languages that compare everything"},
		{"list", "[" + soon + "]", "JavaScript turns a list of one into its element when it compares"},
		{"object", `{"$gt":0}`, "an object is greater than any number in some databases"},
		{"1e300", "1e300", "converting it to an integer gives another date on each kind of processor"},
		{"1e999", "1e999", "beyond floating point, where readers see infinity, an error or zero"},
		{"NaN", "NaN", "it is neither before nor after anything, so that no comparison refuses it"},
		{"Infinity", "Infinity", "Python reads and writes it, and it never passes"},
		{"leading zero", "0" + soon, "read as octal by some, and JSON has no such number"},
		{"leading plus", "+" + soon, "JSON has no such number, and lenient readers differ in what they make of it"},
		{"hexadecimal", "0x7fffffff", "a reader that stops at the x sees zero, one that does not sees 2038"},
		{"underscores", "1_900_000_000", "Go's ParseFloat and Python's int know them, JSON does not"},
	} {
		rows = append(rows, Attack{"exp " + row.name, row.breaks, exp(row.text), Invalid})
	}
	return rows
}
