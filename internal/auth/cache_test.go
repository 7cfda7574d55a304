// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/auth/authtest"
)

func TestVerifiedTokensAreCached(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		token := idp.Token("u", "r")
		first, err := authenticate(t, v, token)
		if err != nil {
			t.Fatal(err)
		}
		again, err := authenticate(t, v, token)
		if err != nil || again.UserID != first.UserID || len(again.Roles) != 1 {
			t.Errorf("%v, then %v, %v", first, again, err)
		}
		expect(t, v, idp.Token("v"), 0)
		if s := v.Stats(); s.CacheHits != 1 || s.CacheMisses != 2 || s.Cached != 2 {
			t.Errorf("%+v", s)
		}
		// The service notices any other change within a minute.
		time.Sleep(time.Minute)
		expect(t, v, token, 0)
		if s := v.Stats(); s.CacheHits != 1 {
			t.Errorf("believed for longer than a minute: %+v", s)
		}
	})
}

func TestCacheEntryExpiresWithTheToken(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		claims := idp.Claims("u")
		claims["exp"] = time.Now().Add(5 * time.Second).Unix()
		token := idp.Sign("RS256", nil, claims)
		expect(t, v, token, 0)
		time.Sleep(5*time.Second + defaultLeeway - time.Millisecond)
		expect(t, v, token, 0)
		time.Sleep(time.Millisecond)
		expect(t, v, token, ExpiredToken)
	})
}

// Tokens of a withdrawn key are refused, also when they are in the cache.
func TestRemovedKeyStopsWorking(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		claims := idp.Claims("u")
		claims["exp"] = time.Now().Add(time.Hour).Unix()
		old := idp.Sign("RS256", nil, claims)
		idp.Rotate()
		removed := time.Now()
		for {
			_, err := authenticate(t, v, old)
			if err != nil {
				break
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(removed); took > 5*time.Minute+time.Second {
			t.Errorf("a removed key worked for %s", took)
		}
		if v.Stats().CacheHits == 0 {
			t.Error("the cache was not tried")
		}
	})
}

func TestRefusedTokensAreNotCached(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		forged := authtest.New(t).Sign("RS256", nil, idp.Claims("u"))
		anonymous := idp.Claims("u")
		delete(anonymous, "user_id")
		for range 2 {
			expect(t, v, forged, InvalidToken)
			expect(t, v, idp.Sign("RS256", nil, anonymous), NoUser)
		}
		long := idp.Sign("RS256", nil, idp.Claims("u", strings.Repeat("r", 4<<10)))
		expect(t, v, long, 0)
		if s := v.Stats(); s.Cached != 0 {
			t.Errorf("%d remembered", s.Cached)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c, err := newCache(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(noon, 0)
	id := func(n int) tokenID { return sha256.Sum256([]byte(strconv.Itoa(n))) }
	for n := range maxCached + 1000 {
		c.put(id(n), Principal{UserID: strconv.Itoa(n)}, c.generation(), now, now.Add(time.Hour))
	}
	if n := c.verified.Len(); n > maxCached || n < maxCached/2 {
		t.Errorf("%d tokens", n)
	}
	if p, ok := c.get(id(maxCached+999), now); !ok || p.UserID != strconv.Itoa(maxCached+999) {
		t.Errorf("the last one is gone: %v", p)
	}
	c.forget()
	if n := c.verified.Len(); n != 0 {
		t.Errorf("%d tokens after the keys changed", n)
	}
	// A check can begin before a change of the keys and end after it.
	before := c.generation()
	c.forget()
	c.put(id(1), Principal{UserID: "u"}, before, now, now.Add(time.Hour))
	if _, ok := c.get(id(1), now); ok {
		t.Error("verified with keys that are gone")
	}
	off, err := newCache(-1)
	if err != nil {
		t.Fatal(err)
	}
	off.put(id(1), Principal{UserID: "u"}, off.generation(), now, now.Add(time.Hour))
	if _, ok := off.get(id(1), now); ok {
		t.Error("remembered although it is off")
	}
}

// Tokens with an unknown key wait for the key server. The limit keeps unauthenticated clients from
// occupying all requests.
func TestWaitingTokensAreLimited(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		idp.Break(authtest.Hang)
		forged := idp.Sign("RS256", authtest.Fields{"kid": "forged"}, idp.Claims("u"))
		var mu sync.Mutex
		var callers sync.WaitGroup
		kinds := map[Kind]int{}
		for range 3 * maxWaiting {
			callers.Go(func() {
				_, err := authenticate(t, v, forged)
				mu.Lock()
				defer mu.Unlock()
				kinds[kindOf(t, err)]++
			})
		}
		callers.Wait()
		if kinds[InvalidToken] != maxWaiting || kinds[KeysUnavailable] != 2*maxWaiting {
			t.Errorf("got %v", kinds)
		}
	})
}

func TestFailedRefreshIsRetriedSoon(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		idp.Break(authtest.Unavailable)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		before := v.Stats().Issuers[0]
		if before.Failures == 0 || before.Loads != 1 || before.Keys != 3 || !before.Loaded {
			t.Fatalf("%+v", before)
		}
		idp.Break(authtest.Healthy)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if s := v.Stats().Issuers[0]; s.Loads != 2 || s.Age > 30*time.Second {
			t.Errorf("%+v", s)
		}
	})
}

// BenchmarkAuthenticate compares a cached token with a token whose signature is checked each time.
func BenchmarkAuthenticate(b *testing.B) {
	idp := authtest.New(b)
	token := Credentials{Authorization: []string{"Bearer " + idp.Token("u", "r")}}
	for name, lifetime := range map[string]time.Duration{"remembered": 0, "checked": -1} {
		v, err := NewVerifier(VerifierOptions{Issuers: []string{idp.Issuer()}, CacheTime: lifetime})
		if err != nil {
			b.Fatal(err)
		}
		loadNow(b, v)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Authenticate(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
