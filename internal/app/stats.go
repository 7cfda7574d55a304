// SPDX-License-Identifier: Apache-2.0

package app

import (
	"reporting/internal/auth"
	"reporting/internal/telemetry"
)

func authStats(s auth.Stats) telemetry.AuthStats {
	out := telemetry.AuthStats{CacheHits: s.CacheHits, CacheMisses: s.CacheMisses, Cached: s.Cached}
	for _, i := range s.Issuers {
		out.Issuers = append(out.Issuers, telemetry.IssuerStats(i))
	}
	return out
}
