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
	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

// keyring holds the keys of one issuer and keeps them fresh. It loads them itself rather than
// through jwkset's HTTP client, because that client gives up a whole set for one odd key, lets an
// error page empty the set, and spends its rate limit on the attempts of a failing start.
//
// Only the loop in run talks to the key server, so that tokens with a known key never wait for it.
type keyring struct {
	source  source
	store   jwkset.Storage
	keyfunc keyfunc.Keyfunc
	limiter *rate.Limiter
	now     func() time.Time
	log     *slog.Logger
	refresh time.Duration
	renew   time.Duration // after a refresh that failed
	retry   time.Duration
	wait    time.Duration
	wake    chan struct{}
	waiting chan struct{} // holds one for each token that waits for a load
	changed func()        // is called when the keys are no longer those they were

	mu       sync.Mutex
	running  bool
	loadedAt time.Time
	print    string // of the keys at hand
	size     int    // their number
	loads    int64
	failures int64
	flight   chan struct{} // not nil while a load is asked for or under way; closed when it ends
}

// maxWaiting is how many tokens with an unknown key may wait for a load at a time. Each
// holds a request, and strangers can send as many as they like. Each issuer has its
// share, so that one whose key server hangs does not keep the keys of others from
// being looked for.
const maxWaiting = 256

func newKeyring(name string, o VerifierOptions, changed func()) (*keyring, error) {
	k := &keyring{
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
	var err error
	k.keyfunc, err = keyfunc.New(keyfunc.Options{Storage: lookup{Storage: k.store, keys: k}})
	if err != nil {
		return nil, fmt.Errorf("make key function: %w", err)
	}
	return k, nil
}

func (k *keyring) loaded() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.loadedAt.IsZero()
}

// run loads the keys when a timer or a token with an unknown key asks for it.
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

// jitter is up to a tenth less than d, so that many replicas do not ask in step for
// ever.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) } //nolint:gosec // no secret

// load replaces the keys by what the server has now, so that withdrawn keys stop working. A set
// without a single usable key is an error, and the old keys stay.
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
	case <-k.wake: // the load that begins now is the one that was asked for
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
		k.log.WarnContext(ctx, "cannot load signing keys, no token can be judged", "error", err)
	case err != nil && ctx.Err() == nil:
		k.log.WarnContext(ctx, "cannot refresh signing keys, keeping the old ones",
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

// ask joins the load that is under way or starts one, as far as the rate limit allows. It returns
// nil when there is nothing to wait for.
func (k *keyring) ask() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight == nil && k.running && k.limiter.AllowN(k.now(), 1) {
		k.flight = make(chan struct{})
		k.wake <- struct{}{} // has room: begin takes it out, under the same lock that made the flight
	}
	return k.flight
}
