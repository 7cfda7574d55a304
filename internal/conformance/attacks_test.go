// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth/authtest"
	"reporting/internal/config"
)

// fitsHTTP reports whether a header can hold the token: it has no control character except the tab,
// and is below the limit of the service.
func fitsHTTP(token string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return len(token) < 32<<10 && !strings.ContainsFunc(token, control)
}

// sendRaw sends a token that an HTTP client refuses to send. It returns the status and the part
// of the body that arrives.
func sendRaw(t *testing.T, server target, token string) (int, string) {
	t.Helper()
	base, err := url.Parse(server.base)
	if err != nil {
		t.Fatal(err)
	}
	connection := server.dial(t)
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { // the service may respond and close before it reads the whole token
		_, _ = fmt.Fprintf(connection, "POST %s%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n",
			base.Path, operation, base.Host, token)
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // the connection may be reset before its end
	return response.StatusCode, string(body)
}

// withoutIDs returns the text of a response without its request id and date.
func (a response) withoutIDs() string {
	header := a.header.Clone()
	id := header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	header.Del("Date")
	return fmt.Sprint(a.status, header, strings.ReplaceAll(string(a.body), id, ""))
}

// hasVerdict checks that a response matches the verdict on its token.
func (a response) hasVerdict(t *testing.T, want authtest.Verdict) {
	t.Helper()
	switch want {
	case authtest.Accepted, authtest.Roleless:
		a.entries(t)
	case authtest.Invalid:
		a.isUnauthorized(t, models.IssueTypeLogin, true)
	case authtest.Expired:
		a.isUnauthorized(t, models.IssueTypeExpired, true)
	case authtest.NoUser:
		a.isOutcome(t, http.StatusForbidden, models.IssueTypeForbidden)
	case authtest.Malformed:
		a.isOutcome(t, http.StatusBadRequest, models.IssueTypeInvalid)
	default:
		t.Fatalf("unknown verdict %d", want)
	}
}

// rank returns 1 for a valid token and 0 for a forged one.
func rank(row authtest.Attack) int {
	if row.Want == authtest.Accepted || row.Want == authtest.Roleless {
		return 1
	}
	return 0
}

// TestForgedTokensAreRejectedAlike sends the tokens of authtest to a server. All tokens with the same verdict
// get the same response: it does not tell which check rejected them.
func TestForgedTokensAreRejectedAlike(t *testing.T) {
	t.Parallel()
	slow(t, "makes more than 200 requests one after another")
	const audience = "reports"
	idp := authtest.New(t)
	idp.Break(authtest.Down)
	server := own(t, func(c *config.Config) {
		c.Auth, c.AuthIssuers, c.AuthTrustedPeers, c.AuthAudience = config.Verify, []string{idp.Issuer()}, nil, audience
	})
	// Some tokens expire soon, so they are made after the start, and before the service loads keys.
	// Valid ones come first.
	attacks := authtest.Attacks(t, idp, audience)
	slices.SortStableFunc(attacks, func(a, b authtest.Attack) int { return rank(b) - rank(a) })
	idp.Break(authtest.Healthy)
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	responses := map[authtest.Verdict]string{}
	var sound, accepted, unsent int
	for _, row := range attacks {
		good := rank(row) == 1
		if good {
			sound++
		}
		if !fitsHTTP(row.Token) {
			unsent++
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			a := server.do(t, bearer("Bearer "+row.Token))
			if !good && a.status < http.StatusBadRequest {
				accepted++
			}
			a.hasVerdict(t, row.Want)
			whole := fmt.Sprint(a.header, string(a.body))
			if strings.Contains(whole, authtest.Canary) || len(row.Token) > 2 && strings.Contains(whole, row.Token) {
				t.Errorf("the response holds the token: %s", whole)
			}
			first, known := responses[row.Want]
			if !known {
				responses[row.Want] = a.withoutIDs()
			} else if diff := cmp.Diff(first, a.withoutIDs()); diff != "" {
				t.Errorf("the response differs from others with the same verdict (-first +this)\n%s", diff)
			}
		})
	}
	t.Run("beyond HTTP", func(t *testing.T) {
		for _, row := range attacks {
			if !fitsHTTP(row.Token) {
				t.Run(row.Name, func(t *testing.T) {
					t.Parallel() // the service keeps such a connection for half a second
					status, body := sendRaw(t, server.target, row.Token)
					if status < http.StatusBadRequest || status >= http.StatusInternalServerError {
						t.Errorf("got status %d, want 4xx", status)
					}
					if strings.Contains(body, authtest.Canary) || strings.Contains(body, "eyJ") {
						t.Errorf("the response holds the token: %s", body)
					}
				})
			}
		}
	})
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	if log := server.log.String(); strings.Contains(log, authtest.Canary) || strings.Contains(log, "eyJ") {
		t.Error("the log holds a token")
	}
	t.Logf("%d attacks, %d of them beyond HTTP, %d accepted; %d valid tokens", len(attacks)-sound, unsent, accepted, sound)
	if accepted > 0 || sound == 0 || len(attacks)-sound < 200 {
		t.Error("want at least 200 attacks and one valid token, and no attack accepted")
	}
}

// TestForgedTokensCauseOneKeyRequest checks that forged tokens neither load the identity provider
// nor lock out its users.
func TestForgedTokensCauseOneKeyRequest(t *testing.T) {
	t.Parallel()
	slow(t, "makes 200 requests")
	server, idp := verifying(t, nil)
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	good := bearer("Bearer " + idp.Token("u"))
	before := idp.Hits(authtest.KeysPath)
	forge := func(id string) request {
		return bearer("Bearer " + idp.Sign("ES256", authtest.Fields{"kid": id}, idp.Claims("u")))
	}
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			a, err := send(server.build(t, forge(fmt.Sprintf("unknown-%d", i))))
			if err != nil || a.status != http.StatusUnauthorized {
				t.Errorf("forged: %d, %v", a.status, err)
			}
		})
	}
	group.Wait()
	if loads := idp.Hits(authtest.KeysPath) - before; loads > 1 {
		t.Errorf("200 forged tokens caused %d requests for keys, want at most 1", loads)
	}
	if requests := idp.Hits(authtest.DiscoveryPath); requests > 2 { // one at the start, one for them
		t.Errorf("200 forged tokens caused %d requests for the discovery document, want at most 1", requests-1)
	}
	idp.Break(authtest.Down)
	for range 2 { // after a failed load the known keys remain
		server.do(t, forge("unknown")).isUnauthorized(t, models.IssueTypeLogin, true)
		if a := server.do(t, good); a.status != http.StatusOK {
			t.Errorf("good, with the provider down: got status %d, %s", a.status, a.body)
		}
	}
}
