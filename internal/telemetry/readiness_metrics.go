// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// readyWait is how long a scrape waits for the checks. With an unreachable database, the next
// scrape has the result.
const readyWait = 100 * time.Millisecond

// readyCollector runs the checks of readiness for a scrape. Their results are cached for a
// moment.
type readyCollector struct {
	readiness *Readiness

	flight singleflight.Group // one run of the checks at a time
	mu     sync.Mutex
	last   readyResponse
	known  bool // last is set

	ready, check *prometheus.Desc
}

// RegisterReadiness registers metrics of readiness and of each check.
func (m *Metrics) RegisterReadiness(r *Readiness) {
	m.Registry.MustRegister(&readyCollector{
		readiness: r,
		ready:     prometheus.NewDesc("reporting_ready", "1 when requests should be sent here, else 0.", nil, nil),
		check:     prometheus.NewDesc("reporting_ready_check", "1 when a check of readiness passes, else 0; absent when the service is stopping.", []string{"check"}, nil),
	})
}

// Describe implements prometheus.Collector.
func (c *readyCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.ready
	out <- c.check
}

// Collect implements prometheus.Collector.
func (c *readyCollector) Collect(out chan<- prometheus.Metric) {
	result, known := readyResponse{}, true
	if !c.readiness.Draining() {
		result, known = c.current()
	}
	if !known {
		return
	}
	out <- prometheus.MustNewConstMetric(c.ready, prometheus.GaugeValue, one(result.Ready))
	for _, check := range result.Checks {
		out <- prometheus.MustNewConstMetric(c.check, prometheus.GaugeValue, one(check.OK), check.Name)
	}
}

// current returns the last results.
func (c *readyCollector) current() (readyResponse, bool) {
	await(&c.flight, c.run, readyWait)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.known
}

func (c *readyCollector) run() {
	const patience = 5 * time.Second // longer than every check
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer := c.readiness.response(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.known = answer, true
}

// await starts run unless it is running already, and waits for its end, but at most for
// patience.
func await(flight *singleflight.Group, run func(), patience time.Duration) {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-flight.DoChan("", func() (any, error) {
		run()
		return nil, nil //nolint:nilnil // the result is in the collector
	}):
	case <-wait.C:
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
