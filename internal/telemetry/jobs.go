// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// JobStats are figures about the jobs of all users.
type JobStats struct {
	Jobs     map[string]int64         // by status
	Oldest   map[string]time.Duration // how long the oldest job of a status has waited, or run
	Finished []FinishedJobs           // within the last hour
}

// FinishedJobs is how many jobs of a report class have ended, and as what.
type FinishedJobs struct {
	Status, ReportClass string
	Jobs                int64
}

// JobOptions say how to measure jobs.
type JobOptions struct {
	Measure  func(context.Context) (JobStats, error)
	Interval time.Duration // at most one measurement in each, however often somebody scrapes
	Timeout  time.Duration // of one
	Now      func() time.Time
	Log      *slog.Logger
}

const (
	// scrapeWait is how long a scrape waits for a measurement. What takes longer is told
	// at the next one.
	scrapeWait = time.Second
	// rest is how many times as long as a measurement took there is none after it, so that
	// the database never spends more than a fiftieth of a connection's time on them.
	rest = 50
)

// jobCollector measures when it is asked and the last measurement is too old. What could
// not be measured is absent: an old figure looks like a good one.
type jobCollector struct {
	JobOptions

	flight singleflight.Group // of one measurement at a time
	mu     sync.Mutex
	next   time.Time // no measurement before
	until  time.Time // how long stats may be told
	stats  JobStats
	failed bool // the last one

	jobs, oldest, finished *prometheus.Desc
	measurements           *prometheus.CounterVec
}

// RegisterJobs adds figures about the jobs of all users.
func (m *Metrics) RegisterJobs(o JobOptions) {
	desc := descriptions("reporting_jobs")
	c := &jobCollector{
		JobOptions: o,
		jobs:       desc("", "Jobs in the table, by status. The same from every instance.", "status"),
		oldest:     desc("_oldest_age_seconds", "How long the oldest job has waited since it was created or due, or run since it was started; absent where there is none.", "status"),
		finished:   desc("_finished", "Jobs that ended within the last hour, by status and report class; the classes beyond the 20 most frequent are \"other\".", "status", "report_class"),
		measurements: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_jobs_measurements_total",
			Help: "Attempts to measure the jobs in the table, by result. After one that failed, what it measures is absent.",
		}, []string{"result"}),
	}
	c.measurements.WithLabelValues("ok")
	c.measurements.WithLabelValues("failed")
	m.Registry.MustRegister(c, c.measurements)
}

// Describe implements prometheus.Collector.
func (c *jobCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.jobs
	out <- c.oldest
	out <- c.finished
}

// Collect implements prometheus.Collector.
func (c *jobCollector) Collect(out chan<- prometheus.Metric) {
	stats, known := c.current()
	if !known {
		return
	}
	figures := metricWriter(out)
	for status, jobs := range stats.Jobs {
		figures.gauge(c.jobs, float64(jobs), status)
	}
	for status, age := range stats.Oldest {
		figures.gauge(c.oldest, age.Seconds(), status)
	}
	for _, f := range stats.Finished {
		figures.gauge(c.finished, float64(f.Jobs), f.Status, f.ReportClass)
	}
}

// current is the last measurement, and whether it may be told.
func (c *jobCollector) current() (JobStats, bool) {
	if c.due() {
		await(&c.flight, c.measure, scrapeWait)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats, c.Now().Before(c.until)
}

// due tells whether it is time for a measurement, or one is under way.
func (c *jobCollector) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.Now().Before(c.next)
}

func (c *jobCollector) measure() {
	if !c.due() { // one has just ended
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	begin := c.Now()
	stats, err := c.Measure(ctx)
	end := c.Now()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = end.Add(c.Interval)
	c.stats, c.until = stats, time.Time{}
	result := "failed"
	if err == nil {
		result = "ok"
		c.next = end.Add(max(c.Interval, rest*end.Sub(begin)))
		c.until = c.next.Add(c.Timeout) // when the next one has ended
	}
	c.measurements.WithLabelValues(result).Inc()
	switch {
	case err != nil && !c.failed:
		c.Log.WarnContext(ctx, "jobs cannot be measured; their figures are absent until they can", "error", err)
	case err == nil && c.failed:
		c.Log.InfoContext(ctx, "jobs are measured again")
	}
	c.failed = err != nil
}
