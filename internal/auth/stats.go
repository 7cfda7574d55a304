// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"time"
)

// Stats is a snapshot of a Verifier's counters.
type Stats struct {
	Issuers     []IssuerStats // by name
	CacheHits   int64         // tokens found in the cache
	CacheMisses int64         // tokens not in the cache, invalid ones included
	Cached      int           // tokens in the cache
}

// IssuerStats describes the keys of one issuer.
type IssuerStats struct {
	Issuer   string
	Keys     int           // usable keys
	Loaded   bool          // after the first successful load
	Age      time.Duration // since the last successful load
	Loads    int64         // successful loads
	Failures int64         // failed loads
}

// Stats returns a snapshot.
func (v *Verifier) Stats() Stats {
	s := Stats{CacheHits: v.cache.hits.Load(), CacheMisses: v.cache.misses.Load(), Cached: v.cache.verified.Len()}
	for name, i := range v.issuers {
		s.Issuers = append(s.Issuers, i.keys.stats(name))
	}
	slices.SortFunc(s.Issuers, func(a, b IssuerStats) int { return strings.Compare(a.Issuer, b.Issuer) })
	return s
}

func (k *keyring) stats(issuer string) IssuerStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := IssuerStats{Issuer: issuer, Keys: k.size, Loaded: !k.loadedAt.IsZero(), Loads: k.loads, Failures: k.failures}
	if s.Loaded {
		s.Age = k.now().Sub(k.loadedAt)
	}
	return s
}
