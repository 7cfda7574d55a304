// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsOfAVerifier(t *testing.T) {
	t.Parallel()
	now := time.Unix(noon, 0)
	v, err := NewVerifier(VerifierOptions{Issuers: []string{"https://a.example", "https://b.example"}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	a, b := v.issuers["https://a.example"].keys, v.issuers["https://b.example"].keys
	a.size, a.loadedAt, a.loads, a.failures = 3, now.Add(-90*time.Second), 7, 1
	b.failures = 9
	v.cache.hits.Store(5)
	v.cache.misses.Store(2)
	registry := prometheus.NewPedanticRegistry()
	if err := v.Register(registry); err != nil {
		t.Fatal(err)
	}
	if err := RegisterMode(registry, "verify"); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP reporting_auth_key_refreshes_total Loads of an issuer's keys, by result.
# TYPE reporting_auth_key_refreshes_total counter
reporting_auth_key_refreshes_total{issuer="https://a.example",result="failed"} 1
reporting_auth_key_refreshes_total{issuer="https://a.example",result="ok"} 7
reporting_auth_key_refreshes_total{issuer="https://b.example",result="failed"} 9
reporting_auth_key_refreshes_total{issuer="https://b.example",result="ok"} 0
# HELP reporting_auth_keys Usable signing keys, by issuer.
# TYPE reporting_auth_keys gauge
reporting_auth_keys{issuer="https://a.example"} 3
reporting_auth_keys{issuer="https://b.example"} 0
# HELP reporting_auth_keys_age_seconds Time since the last successful load of an issuer's keys; absent before the first one.
# TYPE reporting_auth_keys_age_seconds gauge
reporting_auth_keys_age_seconds{issuer="https://a.example"} 90
# HELP reporting_auth_mode Always 1; the label mode is verify (this service checks signatures) or gateway (a gateway in front of it does).
# TYPE reporting_auth_mode gauge
reporting_auth_mode{mode="verify"} 1
# HELP reporting_auth_token_cache_entries Tokens in the cache, expired ones included.
# TYPE reporting_auth_token_cache_entries gauge
reporting_auth_token_cache_entries 0
# HELP reporting_auth_token_cache_lookups_total Lookups in the cache of verified tokens, by result.
# TYPE reporting_auth_token_cache_lookups_total counter
reporting_auth_token_cache_lookups_total{result="hit"} 5
reporting_auth_token_cache_lookups_total{result="miss"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if err := v.Register(registry); err == nil {
		t.Error("registered twice")
	}
}
