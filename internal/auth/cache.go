// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/elastic/go-freelru"
)

const (
	// maxCached is the maximum number of tokens in the cache: about 8 MiB of ordinary ones.
	maxCached = 16 << 10
	// maxCachedToken is the longest token that the cache takes, in bytes. It bounds the size of
	// the cache.
	maxCachedToken = 4 << 10
	// maxCacheTime is the longest time for which a verified token stays valid without another
	// verification.
	maxCacheTime = time.Minute
)

// tokenID is the SHA-256 of a token. The cache holds no tokens, so that a memory dump reveals none.
type tokenID [sha256.Size]byte

// cache holds the callers of recently verified tokens, because verifying a signature costs as much
// as the rest of a request. It holds accepted tokens only, so that clients without a valid token
// cannot fill it.
type cache struct {
	verified *freelru.SyncedLRU[tokenID, verified]
	lifetime time.Duration
	keys     atomic.Uint64 // generation of the keys: incremented when the keys of any issuer change
	hits     atomic.Int64
	misses   atomic.Int64
}

// verified is the result of a verification.
type verified struct {
	caller Principal
	until  time.Time
	keys   uint64 // generation of the keys
}

// newCache returns a cache. With a negative lifetime it stays empty.
func newCache(lifetime time.Duration) (*cache, error) {
	// Any four bytes of a SHA-256 are a good hash.
	hash := func(id tokenID) uint32 { return binary.LittleEndian.Uint32(id[:]) }
	lru, err := freelru.NewSynced[tokenID, verified](maxCached, hash)
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	return &cache{verified: lru, lifetime: lifetime}, nil
}

// generation returns the generation of the keys. Read it before the verification of a token and pass
// it to put: put ignores a token whose key was withdrawn in between.
func (c *cache) generation() uint64 { return c.keys.Load() }

func (c *cache) get(id tokenID, now time.Time) (Principal, bool) {
	found, ok := c.verified.Get(id)
	if !ok || found.keys != c.generation() || !now.Before(found.until) {
		c.misses.Add(1)
		return Principal{}, false
	}
	c.hits.Add(1)
	return found.caller, true
}

// put stores a caller until the token expires or its lifetime in the cache ends.
func (c *cache) put(id tokenID, caller Principal, generation uint64, now, expires time.Time) {
	until := now.Add(c.lifetime)
	if expires.Before(until) {
		until = expires
	}
	if now.Before(until) && generation == c.generation() {
		c.verified.Add(id, verified{caller: caller, until: until, keys: generation})
	}
}

// forget empties the cache. Call it after the keys have changed.
func (c *cache) forget() {
	c.keys.Add(1)
	c.verified.Purge()
}
