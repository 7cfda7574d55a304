// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Work are the figures of a process that makes reports.
type Work struct {
	runs     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tended   *prometheus.CounterVec
	cleared  *prometheus.CounterVec
	working  prometheus.Gauge
	busy     prometheus.Gauge
}

// RegisterWork adds the metrics of making reports, by so many workers.
func (m *Metrics) RegisterWork(workers int, reports, outcomes []string) *Work {
	w := &Work{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_report_attempts_total",
			Help: "Attempts at making a report, by report and how they ended: done, failed, retried, released or cancelled.",
		}, []string{"report", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "reporting_report_attempt_duration_seconds",
			Help:    "How long attempts at making a report took, however they ended.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, []string{"report"}),
		tended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_sweep_jobs_total",
			Help: "Jobs that nobody was at: queued, whose hour had come; rescued, whose worker was gone; failed, the same for the last time.",
		}, []string{"action"}),
		cleared: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_purged_total",
			Help: "Jobs and results that were deleted because of their age.",
		}, []string{"what"}),
		working: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_workers_started",
			Help: "1 when the workers of this process have begun to take jobs.",
		}),
		busy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_worker_slots_busy",
			Help: "Reports that this process makes now.",
		}),
	}
	most := prometheus.NewGauge(prometheus.GaugeOpts{Name: "reporting_worker_slots", Help: "How many reports this process makes at a time at most."})
	most.Set(float64(workers))
	// A rate needs the zero it grew from.
	for _, report := range reports {
		w.duration.WithLabelValues(report)
		for _, outcome := range outcomes {
			w.runs.WithLabelValues(report, outcome)
		}
	}
	for _, action := range []string{tendedQueued, tendedRescued, tendedFailed} {
		w.tended.WithLabelValues(action)
	}
	for _, what := range []string{clearedJobs, clearedResults} {
		w.cleared.WithLabelValues(what)
	}
	m.Registry.MustRegister(w.runs, w.duration, w.tended, w.cleared, w.working, w.busy, most)
	return w
}

const (
	tendedQueued   = "promoted"
	tendedRescued  = "requeued"
	tendedFailed   = "failed"
	clearedJobs    = "jobs"
	clearedResults = "results"
)

// ObserveRun counts an attempt at a report.
func (w *Work) ObserveRun(report, outcome string, took time.Duration) {
	w.runs.WithLabelValues(report, outcome).Inc()
	w.duration.WithLabelValues(report).Observe(took.Seconds())
}

// ObserveTended counts jobs that nobody was at.
func (w *Work) ObserveTended(queued, rescued, failed int64) {
	w.tended.WithLabelValues(tendedQueued).Add(float64(queued))
	w.tended.WithLabelValues(tendedRescued).Add(float64(rescued))
	w.tended.WithLabelValues(tendedFailed).Add(float64(failed))
}

// ObserveCleared counts what was deleted because of its age.
func (w *Work) ObserveCleared(jobs, results int64) {
	w.cleared.WithLabelValues(clearedJobs).Add(float64(jobs))
	w.cleared.WithLabelValues(clearedResults).Add(float64(results))
}

// SetRunning tells whether jobs are taken.
func (w *Work) SetRunning(running bool) {
	w.working.Set(map[bool]float64{true: 1}[running])
}

// AddBusy changes the number of reports that are being made.
func (w *Work) AddBusy(n int) { w.busy.Add(float64(n)) }
