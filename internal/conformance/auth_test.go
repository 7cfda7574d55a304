// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
)

// unsigned makes an unsigned token from the text of its claims.
func unsigned(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

// bearer makes a status request with an Authorization header.
func bearer(authorization string) request {
	return request{method: "POST", path: operation}.with("Authorization", authorization)
}

// isUnauthorized checks a 401 and its challenge (RFC 6750, section 3). invalid says whether
// the challenge names an error.
func (a response) isUnauthorized(t *testing.T, code models.IssueType, invalid bool) {
	t.Helper()
	a.isOutcome(t, http.StatusUnauthorized, code)
	challenge := a.header.Get("WWW-Authenticate")
	if !strings.HasPrefix(challenge, `Bearer realm="`) || strings.Contains(challenge, `error="invalid_token"`) != invalid {
		t.Errorf("got challenge %q, want Bearer with invalid_token: %t", challenge, invalid)
	}
}

// The log says why a token is rejected, without the token. The client does not learn it.
func TestLogExplainsRejectedTokens(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	forged := unsigned(`{"sub":"a-subject"}`)
	server.do(t, bearer("Bearer "+forged))
	server.do(t, bearer("Bearer x"))
	if err := server.stop(); err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"user_id is missing", "three segments"} {
		if !strings.Contains(server.log.String(), reason) {
			t.Errorf("got no %q in the log:\n%s", reason, server.log)
		}
	}
	if strings.Contains(server.log.String(), "eyJ") || strings.Contains(server.log.String(), "a-subject") {
		t.Errorf("the log holds a token:\n%s", server.log)
	}
}

func TestW80_MissingTokenIs401(t *testing.T) {
	t.Parallel()
	shared(t).do(t, request{method: "POST", path: operation}).isUnauthorized(t, models.IssueTypeLogin, false)
}

func TestW81_MalformedTokenIs401(t *testing.T) {
	t.Parallel()
	good := token("u")
	parts := strings.Split(good, ".")
	for _, authorization := range []string{
		"Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer x", "Bearer a.b", "Bearer a.b.c.d", "Bearer ...", "Bearer " + good + " " + good,
		"Bearer !!." + parts[1] + ".", "Bearer " + parts[0] + ".!!.", "Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("{")) + ".",
		"Bearer " + base64.RawURLEncoding.EncodeToString([]byte("[]")) + "." + parts[1] + ".", good,
	} {
		shared(t).do(t, bearer(authorization)).isUnauthorized(t, models.IssueTypeLogin, true)
	}
	for _, scheme := range []string{"bearer ", "BEARER "} { // schemes are case-insensitive (RFC 9110, section 11.1)
		if a := shared(t).do(t, bearer(scheme+good)); a.status != http.StatusOK {
			t.Errorf("%q: got status %d", scheme, a.status)
		}
	}
}

func TestW82_ExpiredTokenIs401(t *testing.T) {
	t.Parallel()
	claims := fmt.Sprintf(`{"user_id":"u","exp":%d}`, time.Now().Add(-time.Hour).Unix())
	shared(t).do(t, bearer("Bearer "+unsigned(claims))).isUnauthorized(t, models.IssueTypeExpired, true)
}

func TestW83_NotBeforeIsChecked(t *testing.T) {
	t.Parallel()
	future := fmt.Sprintf(`{"user_id":"u","nbf":%d}`, time.Now().Add(time.Hour).Unix())
	shared(t).do(t, bearer("Bearer "+unsigned(future))).isUnauthorized(t, models.IssueTypeLogin, true)
	if a := shared(t).do(t, bearer("Bearer "+unsigned(`{"user_id":"u","nbf":0}`))); a.status != http.StatusOK {
		t.Errorf("nbf 0: got status %d, %s", a.status, a.body)
	}
}

func TestW87_UnsignedTokensNeedATrustedPeer(t *testing.T) {
	t.Parallel()
	if a := shared(t).do(t, status("u")); a.status != http.StatusOK {
		t.Errorf("trusted peer: got status %d", a.status)
	}
	server := own(t, func(c *config.Config) { c.AuthTrustedPeers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	server.do(t, status("u")).isUnauthorized(t, models.IssueTypeLogin, true)
	// Headers do not change the address of the peer.
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip"} {
		server.do(t, status("u").with(header, "10.0.0.1")).isUnauthorized(t, models.IssueTypeLogin, true)
	}
}

func TestW88_MissingUserIDIs403(t *testing.T) {
	t.Parallel()
	for _, claims := range []string{
		`{}`, `{"sub":"u"}`, `{"user_id":""}`, `{"user_id":null}`, `{"user_id":7}`, `{"user_id":["u"]}`, `{"user_id":{"a":"u"}}`,
		`{"USER_ID":"u"}`, `{"user_id":"\u0000"}`,
	} {
		shared(t).do(t, bearer("Bearer "+unsigned(claims))).isOutcome(t, http.StatusForbidden, models.IssueTypeForbidden)
	}
}

func TestW89_MalformedRealmAccessMeansNoRoles(t *testing.T) {
	t.Parallel()
	for _, claims := range []string{
		`{"user_id":"u"}`, `{"user_id":"u","realm_access":null}`, `{"user_id":"u","realm_access":7}`, `{"user_id":"u","realm_access":{"roles":"x"}}`,
		`{"user_id":"u","realm_access":{"roles":[1,null]}}`, `{"user_id":"u","realm_access":[]}`,
	} {
		if a := shared(t).do(t, bearer("Bearer "+unsigned(claims))); a.status != http.StatusOK {
			t.Errorf("%s: got status %d, %s", claims, a.status, a.body)
		}
	}
}

func TestW90_StatusOperationNeedsNoRole(t *testing.T) {
	t.Parallel()
	if a := shared(t).do(t, bearer("Bearer "+unsigned(`{"user_id":"u","realm_access":{"roles":[]}}`))); a.status != http.StatusOK {
		t.Errorf("without a role: got status %d", a.status)
	}
}

func TestW92_TwoAuthorizationHeadersAre400(t *testing.T) {
	t.Parallel()
	server := shared(t)
	twice := server.build(t, status("u"))
	twice.Header.Add("Authorization", "Bearer "+token("other"))
	a, err := send(twice)
	if err != nil {
		t.Fatal(err)
	}
	a.isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	inURL := request{method: "GET", path: operation + "?access_token=" + token("u")}
	server.do(t, inURL).isUnauthorized(t, models.IssueTypeLogin, false)
}

func TestW95_ChecksRunInOrder(t *testing.T) {
	t.Parallel()
	server := shared(t)
	bad := request{method: "POST", path: operation, body: "<x/>", header: map[string]string{"Content-Type": "image/png"}}
	server.do(t, bad).isUnauthorized(t, models.IssueTypeLogin, false) // the token comes before the body
	bad.user = "u"
	server.do(t, bad).isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	bad.path = "/$no-such-operation"
	server.do(t, bad).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported) // the path before both
	for _, open := range []request{{method: "GET", path: "/metadata"}, {method: "OPTIONS", path: operation}} {
		if a := server.do(t, open.with("Authorization", "Bearer nonsense")); a.status >= http.StatusBadRequest {
			t.Errorf("%s %s: got status %d", open.method, open.path, a.status)
		}
	}
}
