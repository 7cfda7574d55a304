// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"golang.org/x/time/rate"
)

// keyring holds the keys of one issuer and refreshes them. It does not use jwkset's HTTP client,
// which rejects a whole set for one invalid key, empties the set on an error page, and spends its
// rate limit on the retries of a failing start.
//
// Only the loop in run calls the key server, so tokens with a known key never wait for it.
type keyring struct {
	source  source
	store   jwkset.Storage
	limiter *rate.Limiter
	now     func() time.Time
	log     *slog.Logger
	refresh time.Duration
	renew   time.Duration // until the next refresh after a failed one
	retry   time.Duration
	wait    time.Duration
	wake    chan struct{}
	waiting chan struct{} // one element for each token that waits for a load
	changed func()        // called when the keys have changed

	mu       sync.Mutex
	running  bool
	loadedAt time.Time
	print    string // fingerprint of the loaded keys
	size     int    // number of loaded keys
	loads    int64
	failures int64
	flight   chan struct{} // not nil while a load is requested or runs; closed when it ends
}

// maxWaiting is the number of tokens with an unknown key that may wait for a load at a time, for
// all issuers together. Each waiting token holds a request, and any client can send such tokens.
// Each issuer has an equal share, so that one slow key server does not affect other issuers.
const maxWaiting = 256

func newKeyring(name string, o VerifierOptions, changed func()) *keyring {
	return &keyring{
		source:  source{issuer: name, keysURL: o.JWKSURL, client: o.Client},
		store:   jwkset.NewMemoryStorage(),
		limiter: rate.NewLimiter(rate.Every(o.UnknownKeyInterval), 1),
		now:     o.Now,
		log:     o.Log.With("issuer", name),
		refresh: o.RefreshInterval,
		renew:   o.UnknownKeyInterval,
		retry:   o.RetryInterval,
		wait:    o.UnknownKeyWait,
		wake:    make(chan struct{}, 1),
		waiting: make(chan struct{}, max(1, maxWaiting/max(1, len(o.Issuers)))),
		changed: changed,
	}
}

func (k *keyring) loaded() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.loadedAt.IsZero()
}

// run loads the keys when the timer fires or a token has an unknown key.
func (k *keyring) run(ctx context.Context) {
	k.mu.Lock()
	k.running = true
	k.mu.Unlock()
	defer k.stop()
	retry := k.retry
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-k.wake:
		}
		k.begin()
		err := k.load(ctx)
		k.finish(ctx, err)
		switch {
		case err == nil:
			timer.Reset(jitter(k.refresh))
		case k.loaded():
			timer.Reset(jitter(min(k.refresh, k.renew)))
		default:
			timer.Reset(retry)
			retry = min(2*retry, max(maxRetry, k.retry))
		}
	}
}

// jitter returns up to a tenth less than d, so that instances spread their requests.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) } //nolint:gosec // no secret

// load replaces the keys by those of the server, so that withdrawn keys stop working. A set without
// a usable key is an error, and the old keys stay.
func (k *keyring) load(ctx context.Context) error {
	keys, err := k.source.fetch(ctx)
	if err != nil {
		return err
	}
	if err := k.store.KeyReplaceAll(ctx, keys); err != nil {
		return fmt.Errorf("replace keys: %w", err)
	}
	k.mu.Lock()
	before := k.print
	k.print, k.size = fingerprint(keys), len(keys)
	differ := k.print != before
	k.mu.Unlock()
	if differ {
		k.changed()
	}
	return nil
}

func (k *keyring) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.wake: // this load serves the request
	default:
	}
	if k.flight == nil {
		k.flight = make(chan struct{})
	}
}

func (k *keyring) finish(ctx context.Context, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil && k.loadedAt.IsZero():
		k.log.InfoContext(ctx, "signing keys loaded")
	case err != nil && ctx.Err() == nil && k.loadedAt.IsZero():
		k.log.WarnContext(ctx, "load signing keys failed: no token can be verified", "error", err)
	case err != nil && ctx.Err() == nil:
		k.log.WarnContext(ctx, "refresh signing keys failed: the old keys stay in use",
			"error", err, "age", k.now().Sub(k.loadedAt).Round(time.Second))
	}
	if err == nil {
		k.loadedAt = k.now()
		k.loads++
	} else if ctx.Err() == nil {
		k.failures++
	}
	close(k.flight)
	k.flight = nil
}

func (k *keyring) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = false
	if k.flight != nil {
		close(k.flight)
		k.flight = nil
	}
}

// request joins the current load or requests one, as far as the rate limit allows. It returns nil
// when there is no load to wait for.
func (k *keyring) request() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight == nil && k.running && k.limiter.AllowN(k.now(), 1) {
		k.flight = make(chan struct{})
		k.wake <- struct{}{} // never blocks: begin empties it under the same lock
	}
	return k.flight
}
