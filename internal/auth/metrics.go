// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// RegisterMode registers a metric with the mode of authentication, verify or gateway, so that an
// operator finds services that check no signatures.
func RegisterMode(r prometheus.Registerer, mode string) error {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "reporting_auth_mode",
		Help:        "Always 1; the label mode is verify (this service checks signatures) or gateway (a gateway in front of it does).",
		ConstLabels: prometheus.Labels{"mode": mode},
	})
	gauge.Set(1)
	return register(r, gauge)
}

// Register registers the metrics of a Verifier.
func (v *Verifier) Register(r prometheus.Registerer) error {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("reporting_auth_"+name, help, labels, nil)
	}
	return register(r, &collector{
		verifier:  v,
		keys:      describe("keys", "Usable signing keys, by issuer.", "issuer"),
		age:       describe("keys_age_seconds", "Time since the last successful load of an issuer's keys; absent before the first one.", "issuer"),
		refreshes: describe("key_refreshes_total", "Loads of an issuer's keys, by result.", "issuer", "result"),
		lookups:   describe("token_cache_lookups_total", "Lookups in the cache of verified tokens, by result.", "result"),
		cached:    describe("token_cache_entries", "Tokens in the cache, expired ones included."),
	})
}

func register(r prometheus.Registerer, c prometheus.Collector) error {
	if err := r.Register(c); err != nil {
		return fmt.Errorf("register authentication metrics: %w", err)
	}
	return nil
}

// collector reads the metrics of a Verifier when they are scraped.
type collector struct {
	verifier *Verifier

	keys, age, refreshes, lookups, cached *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.keys, c.age, c.refreshes, c.lookups, c.cached} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, t, value, labels...)
	}
	s := c.verifier.Stats()
	for _, i := range s.Issuers {
		send(c.keys, prometheus.GaugeValue, float64(i.Keys), i.Issuer)
		if i.Loaded {
			send(c.age, prometheus.GaugeValue, i.Age.Seconds(), i.Issuer)
		}
		send(c.refreshes, prometheus.CounterValue, float64(i.Loads), i.Issuer, "ok")
		send(c.refreshes, prometheus.CounterValue, float64(i.Failures), i.Issuer, "failed")
	}
	send(c.lookups, prometheus.CounterValue, float64(s.CacheHits), "hit")
	send(c.lookups, prometheus.CounterValue, float64(s.CacheMisses), "miss")
	send(c.cached, prometheus.GaugeValue, float64(s.Cached))
}
