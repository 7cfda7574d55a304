// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/auth/authtest"
)

var faults = map[string]authtest.Fault{
	"down": authtest.Down, "unavailable": authtest.Unavailable, "hang": authtest.Hang,
	"error in JSON": authtest.ErrorJSON, "empty set": authtest.EmptySet, "huge": authtest.Huge,
	"redirect": authtest.Redirect,
}

// inBubble runs a test with a running Verifier and the clock of testing/synctest. The bubble fails when
// Run leaves a goroutine behind.
func inBubble(t *testing.T, first authtest.Fault, test func(t *testing.T, idp *authtest.IDP, v *Verifier)) {
	t.Helper()
	idp := authtest.New(t)
	idp.Break(first)
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t, VerifierOptions{
			Issuers: []string{idp.Issuer()},
			Client:  &http.Client{Transport: idp.Transport()},
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- v.Run(ctx) }()
		synctest.Wait()
		test(t, idp, v)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func expect(t *testing.T, v *Verifier, token string, want Kind) {
	t.Helper()
	if _, err := authenticate(t, v, token); kindOf(t, err) != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestKeyServerFailsAtStart(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, fault, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
				t.Helper()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				// A 401 would make clients discard valid tokens.
				expect(t, v, idp.Token("u"), KeysUnavailable)
				expect(t, v, UnsignedToken(Principal{UserID: "u"}, time.Time{}), InvalidToken)
				if v.Ready(t.Context()) == nil {
					t.Error("ready without keys")
				}
				idp.Break(authtest.Healthy)
				// By default the libraries wait up to an hour.
				time.Sleep(fetchTimeout + maxRetry)
				synctest.Wait()
				expect(t, v, idp.Token("u"), 0)
				if err := v.Ready(t.Context()); err != nil {
					t.Errorf("Ready: %v", err)
				}
			})
		})
	}
}

func TestFirstRetryIsQuick(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Down, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		idp.Break(authtest.Healthy)
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		expect(t, v, idp.Token("u"), 0)
	})
}

func TestKeyServerFailsLater(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
				t.Helper()
				idp.Break(fault)
				time.Sleep(15 * time.Minute)
				// The default storage empties the set after an error page with status 200.
				start := time.Now()
				expect(t, v, idp.Token("u"), 0)
				if waited := time.Since(start); waited != 0 {
					t.Errorf("a known key waited %s for the key server", waited)
				}
				if err := v.Ready(t.Context()); err != nil {
					t.Errorf("Ready: %v", err)
				}
				expect(t, v, idp.Sign("RS256", authtest.Fields{"kid": "new"}, idp.Claims("u")), InvalidToken)
				if waited := time.Since(start); waited > time.Second {
					t.Errorf("an unknown key waited %s for the key server", waited)
				}
			})
		})
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		old := idp.Token("u")
		expect(t, v, old, 0)
		idp.Rotate()
		expect(t, v, old, 0)
		expect(t, v, idp.Token("u"), 0)
		// The issuer may have withdrawn a stolen key.
		expect(t, v, old, InvalidToken)
	})
}

func TestPeriodicRefresh(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		old := idp.Sign("RS256", nil, authtest.Fields{
			"iss": idp.Issuer(), "exp": time.Now().Add(time.Hour).Unix(), "user_id": "u",
		})
		idp.Rotate()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		expect(t, v, old, InvalidToken)
		time.Sleep(time.Hour)
		synctest.Wait()
		if hits := idp.Hits(authtest.KeysPath); hits < 14 || hits > 17 {
			t.Errorf("%d loads in 65 minutes", hits)
		}
	})
}

func TestUnknownKeysAreRateLimited(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		forged := idp.Sign("RS256", authtest.Fields{"kid": "forged"}, idp.Claims("u"))
		for range 100 {
			expect(t, v, forged, InvalidToken)
		}
		if hits := idp.Hits(authtest.KeysPath); hits != 2 {
			t.Errorf("100 forged tokens caused %d loads", hits-1)
		}
		// Forged tokens delay a real rotation by at most half a minute.
		idp.Rotate()
		expect(t, v, idp.Token("u"), InvalidToken)
		time.Sleep(30 * time.Second)
		expect(t, v, idp.Token("u"), 0)
	})
}

// A new key is accepted within half a minute, also while a client sends many tokens with unknown keys.
func TestRotationDuringAFlood(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it verifies tokens for a second")
	}
	for _, moment := range []time.Duration{0, time.Millisecond, 10 * time.Second, 29 * time.Second} {
		inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
			t.Helper()
			forged := idp.Sign("RS256", authtest.Fields{"kid": "forged"}, idp.Claims("u"))
			ctx, stop := context.WithCancel(t.Context())
			var flood sync.WaitGroup
			flood.Go(func() {
				for ctx.Err() == nil {
					expect(t, v, forged, InvalidToken)
					time.Sleep(50 * time.Millisecond)
				}
			})
			time.Sleep(moment)
			idp.Rotate()
			rotated := time.Now()
			token := idp.Token("u")
			for {
				if _, err := authenticate(t, v, token); err == nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if took := time.Since(rotated); took > 30*time.Second {
				t.Errorf("after %s: the new key was good after %s", moment, took)
			}
			stop()
			flood.Wait()
		})
	}
}

func TestManyTokensShareOneLoad(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		idp.Rotate()
		token := idp.Token("u")
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() { expect(t, v, token, 0) })
		}
		callers.Wait()
		if hits := idp.Hits(authtest.KeysPath); hits != 2 {
			t.Errorf("50 tokens caused %d loads", hits-1)
		}
	})
}

func TestClientDisconnectsWhileItWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, authtest.Healthy, func(t *testing.T, idp *authtest.IDP, v *Verifier) {
		t.Helper()
		idp.Break(authtest.Hang)
		idp.Rotate()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		c := Credentials{Authorization: []string{"Bearer " + idp.Token("u")}}
		if _, err := v.Authenticate(ctx, c); kindOf(t, err) != KeysUnavailable {
			t.Errorf("got %v, want keys unavailable", err)
		}
		if waited := time.Since(start); waited != 200*time.Millisecond {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestStopDuringLoad(t *testing.T) {
	t.Parallel()
	// The load hangs when Run is stopped. It must end at once and leave no goroutine behind.
	inBubble(t, authtest.Hang, func(*testing.T, *authtest.IDP, *Verifier) {})
}

func TestRequestNeverBlocks(t *testing.T) {
	t.Parallel()
	now := time.Unix(noon, 0)
	o := VerifierOptions{Now: func() time.Time { return now }}
	o.setDefaults()
	k := newKeyring("https://id.example", o, func() {})
	if k.request() != nil {
		t.Error("there is a load to wait for, but nothing runs it")
	}
	k.running = true
	// In each round a timer starts a load that a token has requested too. A request that is left from
	// the round before would block the next one forever, with the lock held.
	for range 3 {
		now = now.Add(o.UnknownKeyInterval)
		load := k.request()
		if load == nil || k.request() != load {
			t.Fatal("callers must share one load")
		}
		k.begin()
		k.finish(t.Context(), nil)
		<-load
	}
}
