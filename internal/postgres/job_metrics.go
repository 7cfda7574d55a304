// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// JobMetricsOptions say how to count jobs for metrics.
type JobMetricsOptions struct {
	Count    func(context.Context) (JobCounts, error)
	Interval time.Duration // one count in each at most, however often the metrics are scraped
	Timeout  time.Duration // of one count
	Now      func() time.Time
	Log      *slog.Logger
}

const (
	// scrapeWait is how long a scrape waits for a count. The next scrape shows the result of
	// one that takes longer.
	scrapeWait = time.Second
	// countShare limits the time of counts to a fiftieth of a connection's: after each, there
	// is none for so many times its duration.
	countShare = 50
)

// jobMetrics counts jobs during a scrape when the last count is too old. After a failed
// count its metrics are absent, because an old figure looks like a current one.
type jobMetrics struct {
	JobMetricsOptions

	flight singleflight.Group // of one count at a time
	mu     sync.Mutex
	next   time.Time // no count before
	expiry time.Time // of counts
	counts JobCounts
	failed bool // the last count

	jobs, oldest, finished *prometheus.Desc
	measurements           *prometheus.CounterVec
}

// RegisterJobMetrics adds metrics of the jobs of all users.
func RegisterJobMetrics(registry prometheus.Registerer, o JobMetricsOptions) {
	m := &jobMetrics{
		JobMetricsOptions: o,
		jobs:              prometheus.NewDesc("reporting_jobs", "Jobs in the table, by status. All instances show the same.", []string{"status"}, nil),
		oldest: prometheus.NewDesc("reporting_jobs_oldest_age_seconds",
			"How long the oldest job of a status has waited since it was created or due, or run since it was started; absent without a job.", []string{"status"}, nil),
		finished: prometheus.NewDesc("reporting_jobs_finished",
			"Jobs that ended within the last hour, by status and report class; all but the 20 most frequent classes are \"other\".", []string{"status", "report_class"}, nil),
		measurements: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_jobs_measurements_total",
			Help: "Counts of the jobs in the table, by result. After a failed count its metrics are absent.",
		}, []string{"result"}),
	}
	m.measurements.WithLabelValues("ok")
	m.measurements.WithLabelValues("failed")
	registry.MustRegister(m, m.measurements)
}

// Describe implements prometheus.Collector.
func (m *jobMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.jobs
	out <- m.oldest
	out <- m.finished
}

// Collect implements prometheus.Collector.
func (m *jobMetrics) Collect(out chan<- prometheus.Metric) {
	counts, valid := m.current()
	if !valid {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for status, jobs := range counts.Jobs {
		gauge(m.jobs, float64(jobs), string(status))
	}
	for status, age := range counts.Oldest {
		gauge(m.oldest, age.Seconds(), string(status))
	}
	for _, f := range counts.Finished {
		gauge(m.finished, float64(f.Jobs), string(f.Status), f.ReportClass)
	}
}

// current returns the last counts, and whether they are valid. It counts first when due.
func (m *jobMetrics) current() (JobCounts, bool) {
	if m.due() {
		wait := time.NewTimer(scrapeWait)
		defer wait.Stop()
		select {
		case <-m.flight.DoChan("", func() (any, error) { m.count(); return nil, nil }): //nolint:nilnil // the result is in m
		case <-wait.C:
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts, m.Now().Before(m.expiry)
}

func (m *jobMetrics) due() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.Now().Before(m.next)
}

func (m *jobMetrics) count() {
	if !m.due() { // another count has just ended
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.Timeout)
	defer cancel()
	begin := m.Now()
	counts, err := m.Count(ctx)
	end := m.Now()

	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = end.Add(m.Interval)
	m.counts, m.expiry = counts, time.Time{}
	result := "failed"
	if err == nil {
		result = "ok"
		m.next = end.Add(max(m.Interval, countShare*end.Sub(begin)))
		m.expiry = m.next.Add(m.Timeout) // when the next count has ended
	}
	m.measurements.WithLabelValues(result).Inc()
	switch {
	case err != nil && !m.failed:
		m.Log.WarnContext(ctx, "count jobs failed: their metrics are absent until it succeeds", "error", err)
	case err == nil && m.failed:
		m.Log.InfoContext(ctx, "count jobs succeeded again")
	}
	m.failed = err != nil
}
