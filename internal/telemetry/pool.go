// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// PoolStats are the figures of a connection pool at one moment.
type PoolStats struct {
	Max, Total, Idle, Acquired int32 // connections
	Acquires                   int64 // connections handed out so far
	Waits                      int64 // of these, after waiting
	GivenUp                    int64 // waits that ended without a connection
	WaitTime                   time.Duration
}

// poolCollector reads a pool's figures when they are asked for.
type poolCollector struct {
	stats func() PoolStats

	connections, limit, acquires, waits, givenUp, waitTime *prometheus.Desc
}

// RegisterPool adds the figures of a database pool, under names that begin with prefix.
func (m *Metrics) RegisterPool(prefix string, stats func() PoolStats) {
	desc := descriptions(prefix)
	m.Registry.MustRegister(&poolCollector{
		stats:       stats,
		connections: desc("connections", "Open database connections, by state.", "state"),
		limit:       desc("max_connections", "The most database connections that the pool opens."),
		acquires:    desc("acquires_total", "Connections handed out."),
		waits:       desc("waits_total", "Connections handed out after waiting for one."),
		givenUp:     desc("acquires_given_up_total", "Times nobody could wait any longer for a connection."),
		waitTime:    desc("wait_seconds_total", "Time spent waiting for connections."),
	})
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, out)
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	figures := metricWriter(out)
	figures.gauge(c.connections, float64(s.Idle), "idle")
	figures.gauge(c.connections, float64(s.Acquired), "in_use")
	figures.gauge(c.limit, float64(s.Max))
	figures.counter(c.acquires, float64(s.Acquires))
	figures.counter(c.waits, float64(s.Waits))
	figures.counter(c.givenUp, float64(s.GivenUp))
	figures.counter(c.waitTime, s.WaitTime.Seconds())
}
