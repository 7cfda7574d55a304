// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// published is the token of the published example.
const published = "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMGFhY2E3Y2QtNjdjMy00OGRkLWE4YzQtMGNjZWVjYjVkMjc2I" +
	"iwicmVhbG1fYWNjZXNzIjp7InJvbGVzIjpbInJlcG9ydC1ub24tYW5vbnltaXplZCIsIiRmZXRjaC1wYXRpZW50LXVzYWdl" +
	"LXN0YXRzIiwiQmluYXJ5LnJlYWQiXX0sInVzZXJfdHlwZSI6IlBSQUNUSVRJT05FUiJ9."

func publishedPrincipal() Principal {
	return Principal{
		UserID:   "0aaca7cd-67c3-48dd-a8c4-0cceecb5d276",
		Roles:    []string{"report-non-anonymized", "$fetch-patient-usage-stats", "Binary.read"},
		UserType: "PRACTITIONER",
	}
}

var loopback = netip.MustParseAddr("127.0.0.1")

const noon = 1_700_000_000

func testGateway() *Gateway {
	return NewGateway(GatewayOptions{
		TrustedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fe80::/10")},
		Now:          func() time.Time { return time.Unix(noon, 0) },
	})
}

func bearer(token string, peer netip.Addr) Credentials {
	return Credentials{Authorization: []string{"Bearer " + token}, Peer: peer}
}

func unsigned(payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(payload)) + "."
}

func TestUnsignedToken(t *testing.T) {
	t.Parallel()
	if got := UnsignedToken(publishedPrincipal(), time.Time{}); got != published {
		t.Errorf("got %s, want %s", got, published)
	}
	want := unsigned(`{"user_id":"u","realm_access":{"roles":[]},"exp":1700000000}`)
	if got := UnsignedToken(Principal{UserID: "u"}, time.Unix(noon, 0)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGatewayPublishedToken(t *testing.T) {
	t.Parallel()
	got, err := testGateway().Authenticate(t.Context(), bearer(published, loopback))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(publishedPrincipal(), got); diff != "" {
		t.Error(diff)
	}
	if !got.HasRole("Binary.read") || got.HasRole("binary.read") || got.HasRole("") {
		t.Error("roles must be compared exactly")
	}
	if err := testGateway().Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

func TestGatewayPeers(t *testing.T) {
	t.Parallel()
	for peer, trusted := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true,
		// A dual-stack listener reports IPv4 peers in this form.
		"::ffff:127.0.0.1": true,
		// netip.Prefix.Contains is false for addresses with a zone.
		"fe80::1%eth0": true,
		"10.0.0.1":     false, "::1": false, "::ffff:10.0.0.1": false,
	} {
		_, err := testGateway().Authenticate(t.Context(), bearer(published, netip.MustParseAddr(peer)))
		if trusted != (err == nil) || err != nil && kindOf(t, err) != InvalidToken {
			t.Errorf("%s: %v", peer, err)
		}
	}
	// A peer that cannot be parsed is the zero address. Without trusted peers no token is accepted.
	if _, err := testGateway().Authenticate(t.Context(), bearer(published, netip.Addr{})); kindOf(t, err) != InvalidToken {
		t.Errorf("zero address: %v", err)
	}
	closed := NewGateway(GatewayOptions{})
	if _, err := closed.Authenticate(t.Context(), bearer(published, loopback)); kindOf(t, err) != InvalidToken {
		t.Errorf("no trusted peers: %v", err)
	}
	if _, err := closed.Authenticate(t.Context(), Credentials{Peer: loopback}); kindOf(t, err) != NoCredentials {
		t.Errorf("no credentials: %v", err)
	}
}

func TestGatewayClaims(t *testing.T) {
	t.Parallel()
	user := Principal{UserID: "u"}
	for _, row := range []struct {
		name, payload string
		want          Principal
		kind          Kind
	}{
		{"user only", `{"user_id":"u"}`, user, 0},
		// W-88: a token without user_id shows neither the jobs of sub nor those of all users.
		{"no user", `{"sub":"s"}`, Principal{}, NoUser},
		{"user null", `{"user_id":null,"sub":"s"}`, Principal{}, NoUser},
		{"user empty", `{"user_id":""}`, Principal{}, NoUser},
		{"user number", `{"user_id":7}`, Principal{}, NoUser},
		{"user object", `{"user_id":{"a":"b"}}`, Principal{}, NoUser},
		{"user array", `{"user_id":["u"]}`, Principal{}, NoUser},
		// Postgres refuses NUL in text, which would be a 500.
		{"user with NUL", `{"user_id":"u\u0000"}`, Principal{}, NoUser},
		{"user in other case", `{"USER_ID":"u"}`, Principal{}, NoUser},
		{"user twice", `{"user_id":"u","user_id":"v"}`, Principal{}, InvalidToken},
		{"user twice, other case", `{"user_id":"u","User_Id":"v"}`, Principal{}, InvalidToken},
		{"user of half a pair", `{"user_id":"u\ud800"}`, Principal{}, InvalidToken},
		// W-89: a claim that only grants rights is never an error.
		{"access null", `{"user_id":"u","realm_access":null}`, user, 0},
		{"access string", `{"user_id":"u","realm_access":"r"}`, user, 0},
		{"access array", `{"user_id":"u","realm_access":["r"]}`, user, 0},
		{"roles missing", `{"user_id":"u","realm_access":{}}`, user, 0},
		{"roles null", `{"user_id":"u","realm_access":{"roles":null}}`, user, 0},
		{"roles string", `{"user_id":"u","realm_access":{"roles":"r"}}`, user, 0},
		{"roles object", `{"user_id":"u","realm_access":{"roles":{"r":true}}}`, user, 0},
		{"roles mixed", `{"user_id":"u","realm_access":{"roles":["r",1]}}`, user, 0},
		{"roles with null", `{"user_id":"u","realm_access":{"roles":["r",null]}}`, user, 0},
		{"roles in other case", `{"user_id":"u","realm_access":{"Roles":["r"]}}`, user, 0},
		{"roles in both cases", `{"user_id":"u","realm_access":{"roles":["r"],"Roles":["s"]}}`, user, 0},
		{"roles", `{"user_id":"u","realm_access":{"roles":["r"]}}`, Principal{UserID: "u", Roles: []string{"r"}}, 0},
		{"type null", `{"user_id":"u","user_type":null}`, user, 0},
		{"type number", `{"user_id":"u","user_type":1}`, user, 0},
		{"type with NUL", `{"user_id":"u","user_type":"A\u0000"}`, user, 0},
		{"type", `{"user_id":"u","user_type":"SYSTEM"}`, Principal{UserID: "u", UserType: "SYSTEM"}, 0},
		{"exp ahead", `{"user_id":"u","exp":1700000001}`, user, 0},
		{"exp past, within leeway", `{"user_id":"u","exp":1699999971}`, user, 0},
		{"exp past", `{"user_id":"u","exp":1699999970}`, Principal{}, ExpiredToken},
		{"exp with fraction", `{"user_id":"u","exp":1699999970.5}`, user, 0},
		{"exp zero", `{"user_id":"u","exp":0}`, Principal{}, ExpiredToken},
		{"exp negative", `{"user_id":"u","exp":-1}`, Principal{}, ExpiredToken},
		{"exp null", `{"user_id":"u","exp":null}`, Principal{}, InvalidToken},
		// encoding/json accepts a quoted number for a json.Number.
		{"exp string", `{"user_id":"u","exp":"1800000000"}`, Principal{}, InvalidToken},
		{"exp without end", `{"user_id":"u","exp":1e300}`, Principal{}, InvalidToken},
		{"exp beyond float", `{"user_id":"u","exp":1e999}`, Principal{}, InvalidToken},
		{"exp past beside EXP ahead", `{"user_id":"u","exp":1,"EXP":1800000000}`, Principal{}, InvalidToken},
		{"expired without user", `{"exp":1}`, Principal{}, ExpiredToken},
		{"nbf zero", `{"user_id":"u","nbf":0}`, user, 0},
		{"nbf ahead, within leeway", `{"user_id":"u","nbf":1700000030}`, user, 0},
		{"nbf ahead", `{"user_id":"u","nbf":1700000031}`, Principal{}, InvalidToken},
		{"nbf string", `{"user_id":"u","nbf":"0"}`, Principal{}, InvalidToken},
		// A client that fetches a new token after ExpiredToken would get the same result.
		{"expired and not yet valid", `{"user_id":"u","exp":1,"nbf":1800000000}`, Principal{}, InvalidToken},
		{"claims of others", `{"user_id":"u","iss":7,"aud":{},"context":{"organization_id":"x"}}`, user, 0},
		{"not an object", `["user_id"]`, Principal{}, InvalidToken},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := testGateway().Authenticate(t.Context(), bearer(unsigned(row.payload), loopback))
			if kindOf(t, err) != row.kind {
				t.Fatalf("got %v, want %v", err, row.kind)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLeeway(t *testing.T) {
	t.Parallel()
	strict := NewGateway(GatewayOptions{
		TrustedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Leeway:       -1,
		Now:          func() time.Time { return time.Unix(noon, 0) },
	})
	_, err := strict.Authenticate(t.Context(), bearer(unsigned(`{"user_id":"u","exp":1700000000}`), loopback))
	if kindOf(t, err) != ExpiredToken {
		t.Errorf("a token is not valid at the second of exp (RFC 7519 section 4.1.4): %v", err)
	}
}
