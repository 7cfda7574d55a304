// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// AuthStats are the figures of token verification at one moment.
type AuthStats struct {
	Issuers                []IssuerStats
	CacheHits, CacheMisses int64
	Cached                 int
}

// IssuerStats are the figures of one issuer's keys.
type IssuerStats struct {
	Issuer          string
	Keys            int
	Loaded          bool
	Age             time.Duration // since the last successful load
	Loads, Failures int64
}

// SetAuthMode tells who checks signatures: verify or gateway. It is a metric
// because a service that checks none should stand out wherever it runs.
func (m *Metrics) SetAuthMode(mode string) {
	m.always("reporting_auth_mode",
		"Always 1; the label says who checks the signatures of tokens: verify, this service, or gateway, whatever stands in front of it.",
		prometheus.Labels{"mode": mode})
}

// authCollector reads the figures when they are asked for.
type authCollector struct {
	stats func() AuthStats

	keys, age, refreshes, lookups, cached *prometheus.Desc
}

// RegisterAuth adds the figures of token verification.
func (m *Metrics) RegisterAuth(stats func() AuthStats) {
	desc := descriptions("reporting_auth_")
	m.Registry.MustRegister(&authCollector{
		stats:     stats,
		keys:      desc("keys", "Usable signing keys at hand, by issuer.", "issuer"),
		age:       desc("keys_age_seconds", "Time since an issuer's keys were last loaded; absent before the first time.", "issuer"),
		refreshes: desc("key_refreshes_total", "Attempts to load an issuer's keys, by result.", "issuer", "result"),
		lookups:   desc("token_cache_lookups_total", "Tokens looked up among those verified a moment ago, by result.", "result"),
		cached:    desc("token_cache_entries", "Tokens in the cache, also those whose time is over."),
	})
}

// Describe implements prometheus.Collector.
func (c *authCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.keys, c.age, c.refreshes, c.lookups, c.cached} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *authCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	figures := metricWriter(out)
	for _, i := range s.Issuers {
		figures.gauge(c.keys, float64(i.Keys), i.Issuer)
		if i.Loaded {
			figures.gauge(c.age, i.Age.Seconds(), i.Issuer)
		}
		figures.counter(c.refreshes, float64(i.Loads), i.Issuer, "ok")
		figures.counter(c.refreshes, float64(i.Failures), i.Issuer, "failed")
	}
	figures.counter(c.lookups, float64(s.CacheHits), "hit")
	figures.counter(c.lookups, float64(s.CacheMisses), "miss")
	figures.gauge(c.cached, float64(s.Cached))
}
