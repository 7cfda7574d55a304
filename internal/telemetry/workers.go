// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reporting/internal/report"
)

// Workers holds the metrics of a process that generates reports.
type Workers struct {
	attempts *prometheus.CounterVec
	duration *prometheus.HistogramVec
	swept    *prometheus.CounterVec
	purged   *prometheus.CounterVec
	started  prometheus.Gauge
	busy     prometheus.Gauge
}

// RegisterWorkers adds the metrics of a process with so many worker slots.
func (m *Metrics) RegisterWorkers(slots int, reports []string, outcomes []report.Outcome) *Workers {
	w := &Workers{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_report_attempts_total",
			Help: "Attempts by report and outcome: done, failed, retried, released or cancelled.",
		}, []string{"report", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "reporting_report_attempt_duration_seconds",
			Help:    "Duration of attempts by report, whatever their outcome.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, []string{"report"}),
		swept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_sweep_jobs_total",
			Help: "Jobs that the sweep changed: promoted (scheduled and due), requeued (without a live worker), failed (the same, without an attempt left).",
		}, []string{"action"}),
		purged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_purged_total",
			Help: "Jobs and results that the purge deleted because of their age.",
		}, []string{"what"}),
		started: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_workers_started",
			Help: "1 when the workers of this process take jobs.",
		}),
		busy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_worker_slots_busy",
			Help: "Attempts that run in this process.",
		}),
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{Name: "reporting_worker_slots", Help: "Maximum number of attempts that run in this process at a time."})
	limit.Set(float64(slots))
	// A rate needs the zero from which a counter starts.
	for _, name := range reports {
		w.duration.WithLabelValues(name)
		for _, outcome := range outcomes {
			w.attempts.WithLabelValues(name, string(outcome))
		}
	}
	w.ObserveSweep(report.SweepResult{}, report.PurgeResult{})
	m.Registry.MustRegister(w.attempts, w.duration, w.swept, w.purged, w.started, w.busy, limit)
	return w
}

// ObserveAttempt counts an attempt at a report.
func (w *Workers) ObserveAttempt(name string, outcome report.Outcome, took time.Duration) {
	w.attempts.WithLabelValues(name, string(outcome)).Inc()
	w.duration.WithLabelValues(name).Observe(took.Seconds())
}

// ObserveSweep counts what a sweep and a purge changed.
func (w *Workers) ObserveSweep(s report.SweepResult, p report.PurgeResult) {
	for action, n := range map[string]int64{"promoted": s.Promoted, "requeued": s.Requeued, "failed": s.Failed} {
		w.swept.WithLabelValues(action).Add(float64(n))
	}
	for what, n := range map[string]int64{"jobs": p.Jobs, "results": p.Binaries} {
		w.purged.WithLabelValues(what).Add(float64(n))
	}
}

// SetStarted tells whether the workers take jobs.
func (w *Workers) SetStarted(started bool) {
	w.started.Set(map[bool]float64{true: 1}[started])
}

// AddBusy changes the number of running attempts.
func (w *Workers) AddBusy(n int) { w.busy.Add(float64(n)) }
