// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the figures of this process, in a registry of their own.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// Build says which build is running.
type Build struct {
	Version string
	Commit  string
	Date    time.Time
}

// NewMetrics registers everything that does not depend on a database.
func NewMetrics(build Build) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_http_requests_total",
			Help: "Requests answered by the API listener, by operation, method and status class.",
		}, []string{"operation", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "reporting_http_request_duration_seconds",
			Help:    "Time from a request's headers to the end of its answer, by operation and method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10},
		}, []string{"operation", "method"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "reporting_build_info",
		Help:        "Always 1; the labels say which build is running.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit},
	})
	info.Set(1)
	m.Registry.MustRegister(m.requests, m.duration, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ObserveRequest counts a request. The operation comes from a closed set; the
// method and the status are brought into one.
func (m *Metrics) ObserveRequest(operation, method string, status int, duration time.Duration) {
	method = methodLabel(method)
	m.requests.WithLabelValues(operation, method, statusClass(status)).Inc()
	m.duration.WithLabelValues(operation, method).Observe(duration.Seconds())
}

// methodLabel keeps clients from making label values up.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// StatusClientGone is what log and metrics call a request whose client went away
// before the answer (a convention of nginx). It is never sent.
const StatusClientGone = 499

// statusClass is 2xx and so on; a client that went away is told apart from one
// that asked for the wrong thing.
func statusClass(status int) string {
	if status == StatusClientGone {
		return "499"
	}
	return strconv.Itoa(status/100) + "xx"
}
