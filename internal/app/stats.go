// SPDX-License-Identifier: Apache-2.0

package app

import (
	"reporting/internal/auth"
	"reporting/internal/obs"
	"reporting/internal/postgres"
)

// obs may know neither postgres nor auth, nor they it, so their figures are handed
// over here.

func poolStats(s postgres.Stats) obs.PoolStats {
	return obs.PoolStats{
		Max: s.Max, Total: s.Total, Idle: s.Idle, Acquired: s.Acquired, Acquires: s.AcquireCount,
		Waits: s.EmptyAcquireCount, GivenUp: s.CanceledAcquireCount, WaitTime: s.EmptyAcquireWait,
	}
}

func authStats(s auth.Stats) obs.AuthStats {
	out := obs.AuthStats{CacheHits: s.CacheHits, CacheMisses: s.CacheMisses, Cached: s.Cached}
	for _, i := range s.Issuers {
		out.Issuers = append(out.Issuers, obs.IssuerStats(i))
	}
	return out
}
