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
	// maxCached bounds the number of tokens that are remembered: about 8 MiB of
	// ordinary ones.
	maxCached = 16 << 10
	// maxCachedToken is the longest token that is remembered, so that those with
	// hundreds of roles cannot make the cache many times as large.
	maxCachedToken = 4 << 10
	// maxCacheTime is how long a verified token may be believed without another
	// look. It bounds how long anything that is not a change of keys, and nobody
	// thought of, goes unnoticed.
	maxCacheTime = time.Minute
)

// tokenID is the SHA-256 of a token as it was received. The cache does not hold
// what could be used again by whoever reads the memory.
type tokenID [sha256.Size]byte

// cache remembers who presented a token that was verified a moment ago: checking
// a signature costs as much as everything else that a request needs. Only what was
// accepted is remembered, so that strangers cannot fill it.
type cache struct {
	verified *freelru.SyncedLRU[tokenID, verified]
	lifetime time.Duration
	keys     atomic.Uint64 // generation of the keys: grows whenever those of any issuer change
	hits     atomic.Int64
	misses   atomic.Int64
}

// verified is what the check of a token has shown.
type verified struct {
	caller Principal
	until  time.Time
	keys   uint64 // the generation that verified it
}

// newCache returns a cache; with a negative lifetime it remembers nothing.
func newCache(lifetime time.Duration) (*cache, error) {
	// Every four bytes of a SHA-256 are as good a hash as any.
	hash := func(id tokenID) uint32 { return binary.LittleEndian.Uint32(id[:]) }
	lru, err := freelru.NewSynced[tokenID, verified](maxCached, hash)
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	return &cache{verified: lru, lifetime: lifetime}, nil
}

// generation has to be read before a token is verified and handed to put after
// it: what was verified with a key that was withdrawn meanwhile does not count.
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

// put remembers the caller until the token expires, but not for long.
func (c *cache) put(id tokenID, caller Principal, generation uint64, now, expires time.Time) {
	until := now.Add(c.lifetime)
	if expires.Before(until) {
		until = expires
	}
	if now.Before(until) && generation == c.generation() {
		c.verified.Add(id, verified{caller: caller, until: until, keys: generation})
	}
}

// forget drops everything. The keys must have been changed before.
func (c *cache) forget() {
	c.keys.Add(1)
	c.verified.Purge()
}
