// SPDX-License-Identifier: Apache-2.0

package obs

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
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "reporting_auth_mode",
		Help: "Always 1; the label says who checks the signatures of tokens: verify, this service, or gateway, whatever stands in front of it.",
	}, []string{"mode"})
	gauge.WithLabelValues(mode).Set(1)
	m.Registry.MustRegister(gauge)
}

// authCollector reads the figures when they are asked for.
type authCollector struct {
	stats func() AuthStats

	keys, age, refreshes, lookups, cached *prometheus.Desc
}

// RegisterAuth adds the figures of token verification.
func (m *Metrics) RegisterAuth(stats func() AuthStats) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("reporting_auth_"+name, help, labels, nil)
	}
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
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for _, i := range s.Issuers {
		gauge(c.keys, float64(i.Keys), i.Issuer)
		if i.Loaded {
			gauge(c.age, i.Age.Seconds(), i.Issuer)
		}
		counter(c.refreshes, i.Loads, i.Issuer, "ok")
		counter(c.refreshes, i.Failures, i.Issuer, "failed")
	}
	counter(c.lookups, s.CacheHits, "hit")
	counter(c.lookups, s.CacheMisses, "miss")
	gauge(c.cached, float64(s.Cached))
}
