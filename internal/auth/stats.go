// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"time"
)

// Stats are a Verifier's figures at one moment; the counts only grow.
type Stats struct {
	Issuers     []IssuerStats // by name
	CacheHits   int64         // tokens that had been verified a moment before
	CacheMisses int64         // tokens whose signature was checked, and those that failed earlier checks
	Cached      int           // tokens that are remembered
}

// IssuerStats tell about the keys of one issuer.
type IssuerStats struct {
	Issuer   string
	Keys     int           // usable keys at hand
	Loaded   bool          // whether they were ever loaded
	Age      time.Duration // since they were last loaded; a load that changes nothing counts
	Loads    int64         // that succeeded
	Failures int64         // loads that failed
}

// Stats returns the figures.
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
