// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ReplicaStats are figures of reading jobs with a replica beside the primary.
type ReplicaStats struct {
	Fresh                      bool          // the replica is asked first
	Lag                        time.Duration // below zero: unknown
	ReplicaReads, PrimaryReads int64         // readings answered by each
}

type replicaCollector struct {
	stats func() ReplicaStats

	fresh, lag, reads *prometheus.Desc
}

// RegisterReplica adds the figures of reading with a replica.
func (m *Metrics) RegisterReplica(stats func() ReplicaStats) {
	desc := descriptions("reporting_db_replica_")
	m.Registry.MustRegister(&replicaCollector{
		stats: stats,
		fresh: desc("fresh", "1 while the replica keeps up and is asked first, else 0."),
		lag:   desc("lag_seconds", "How far the replica was behind its primary a second ago; absent when it did not tell, or does not hear from it."),
		reads: desc("reads_total", "Readings of jobs, by the server that answered.", "server"),
	})
}

// Describe implements prometheus.Collector.
func (c *replicaCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.fresh
	out <- c.lag
	out <- c.reads
}

// Collect implements prometheus.Collector.
func (c *replicaCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	figures := metricWriter(out)
	figures.gauge(c.fresh, one(s.Fresh))
	if s.Lag >= 0 {
		figures.gauge(c.lag, s.Lag.Seconds())
	}
	figures.counter(c.reads, float64(s.ReplicaReads), "replica")
	figures.counter(c.reads, float64(s.PrimaryReads), "primary")
}
