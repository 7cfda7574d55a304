// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// readyCollector runs the readiness checks when somebody scrapes. They are cheap: their
// results count for a moment.
type readyCollector struct {
	readiness *Readiness

	ready, check *prometheus.Desc
}

// RegisterReadiness adds whether the service is ready, and which checks pass.
func (m *Metrics) RegisterReadiness(r *Readiness) {
	desc := descriptions("reporting_ready")
	m.Registry.MustRegister(&readyCollector{
		readiness: r,
		ready:     desc("", "1 when requests should be sent here, else 0."),
		check:     desc("_check", "1 when a check of readiness passes, else 0; absent when the service is stopping.", "check"),
	})
}

// Describe implements prometheus.Collector.
func (c *readyCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.ready
	out <- c.check
}

// Collect implements prometheus.Collector.
func (c *readyCollector) Collect(out chan<- prometheus.Metric) {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer := c.readiness.answer(ctx)
	figures := figures(out)
	figures.gauge(c.ready, one(answer.Ready))
	for _, check := range answer.Checks {
		figures.gauge(c.check, one(check.OK), check.Name)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
