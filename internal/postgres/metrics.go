// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"reporting/internal/postgres/coalesce"
	"reporting/internal/report"
)

// readBuckets are in seconds. A near database answers in a tenth of a millisecond.
var readBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5}

// ReadMetrics counts and times the reads of jobs. Several stores may share one.
type ReadMetrics struct {
	wait, query prometheus.Histogram
	errors      map[report.Kind]prometheus.Counter
}

// NewReadMetrics registers the metrics of reads.
func NewReadMetrics(registry prometheus.Registerer) *ReadMetrics {
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "reporting_db_errors_total",
		Help: "Failed reads of jobs by kind: unavailable, timeout, or internal, which is permanent.",
	}, []string{"kind"})
	m := &ReadMetrics{
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "reporting_db_wait_duration_seconds",
			Help:    "Time that a read of jobs waited for a slot and a connection.",
			Buckets: readBuckets,
		}),
		query: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "reporting_db_query_duration_seconds",
			Help:    "Time from sending a query for jobs, alone or in a batch, to its last row.",
			Buckets: readBuckets,
		}),
		errors: map[report.Kind]prometheus.Counter{}, // zero from the start, for rates
	}
	for _, kind := range []report.Kind{report.Unavailable, report.Timeout, report.Internal} {
		m.errors[kind] = failed.WithLabelValues(kind.String())
	}
	registry.MustRegister(m.wait, m.query, failed)
	return m
}

// observe counts a read that has ended with err. An error of the caller is none of the
// database.
func (m *ReadMetrics) observe(q *coalesce.Query, err error) {
	if m == nil {
		return
	}
	if q.Sent.IsZero() {
		m.wait.Observe(time.Since(q.Queued).Seconds())
	} else {
		m.wait.Observe(q.Sent.Sub(q.Queued).Seconds())
		m.query.Observe(q.Ended.Sub(q.Sent).Seconds())
	}
	if failed, ok := errors.AsType[*report.Error](err); ok {
		if counter := m.errors[failed.Kind]; counter != nil {
			counter.Inc()
		}
	}
}

// Register adds the metrics of the pool. Their names begin with prefix.
func (p *Pool) Register(registry prometheus.Registerer, prefix string) {
	gauge := func(name, help string, labels prometheus.Labels, value func(*pgxpool.Stat) float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + name, Help: help, ConstLabels: labels},
			func() float64 { return value(p.pgx.Stat()) }))
	}
	counter := func(name, help string, value func(*pgxpool.Stat) float64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: prefix + name, Help: help},
			func() float64 { return value(p.pgx.Stat()) }))
	}
	const connections = "Open database connections, by state."
	gauge("connections", connections, prometheus.Labels{"state": "idle"}, func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) })
	gauge("connections", connections, prometheus.Labels{"state": "in_use"}, func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("max_connections", "Limit of the pool's database connections.", nil, func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	counter("acquires_total", "Connections taken from the pool.", func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) })
	counter("waits_total", "Connections taken from the pool after waiting for one.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	counter("acquires_given_up_total", "Waits for a connection that ended without one.", func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) })
	counter("wait_seconds_total", "Time spent waiting for connections.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
}

// replicaCollector reads the figures of a Replicated.
type replicaCollector struct {
	*Replicated

	fresh, lag, reads *prometheus.Desc
}

// Register adds the metrics of reading with a replica.
func (r *Replicated) Register(registry prometheus.Registerer) {
	registry.MustRegister(&replicaCollector{
		Replicated: r,
		fresh:      prometheus.NewDesc("reporting_db_replica_fresh", "1 while the replica's lag is small and it is preferred, else 0.", nil, nil),
		lag:        prometheus.NewDesc("reporting_db_replica_lag_seconds", "Lag of the replica at the last check; absent while it is unknown.", nil, nil),
		reads:      prometheus.NewDesc("reporting_db_replica_reads_total", "Reads of jobs, by the server that answered.", []string{"server"}, nil),
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
	s := c.Stats()
	fresh := 0.0
	if s.Fresh {
		fresh = 1
	}
	out <- prometheus.MustNewConstMetric(c.fresh, prometheus.GaugeValue, fresh)
	if s.Lag >= 0 {
		out <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, s.Lag.Seconds())
	}
	out <- prometheus.MustNewConstMetric(c.reads, prometheus.CounterValue, float64(s.ReplicaReads), "replica")
	out <- prometheus.MustNewConstMetric(c.reads, prometheus.CounterValue, float64(s.PrimaryReads), "primary")
}
