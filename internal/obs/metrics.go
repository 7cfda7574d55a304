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
	Registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	tokens    *prometheus.CounterVec
	limited   *prometheus.CounterVec
	unwatched prometheus.Counter
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
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_auth_tokens_total",
			Help: "Requests that need a token, by what became of it.",
		}, []string{"result"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_http_limited_total",
			Help: "Requests refused because of a limit: concurrency, user_rate or large_bodies.",
		}, []string{"limit"}),
		unwatched: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reporting_audit_failures_total",
			Help: "Answers whose audit record could not be written.",
		}),
	}
	for _, limit := range []Limit{LimitConcurrency, LimitUserRate, LimitLargeBodies} {
		m.limited.WithLabelValues(string(limit)) // a rate needs the zero it grew from
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "reporting_build_info",
		Help:        "Always 1; the labels say which build is running.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit},
	})
	info.Set(1)
	m.Registry.MustRegister(m.requests, m.duration, m.tokens, m.limited, m.unwatched, info,
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

// ObserveToken counts a request that needs a token. The result comes from a closed
// set.
func (m *Metrics) ObserveToken(result string) { m.tokens.WithLabelValues(result).Inc() }

// Limit is what a request can be too much for.
type Limit string

// The limits.
const (
	LimitConcurrency Limit = "concurrency"  // requests at work at a time
	LimitUserRate    Limit = "user_rate"    // requests of one user
	LimitLargeBodies Limit = "large_bodies" // large bodies in memory at a time
)

// ObserveLimited counts a request that was refused because of a limit.
func (m *Metrics) ObserveLimited(limit Limit) { m.limited.WithLabelValues(string(limit)).Inc() }

// ObserveAuditFailure counts an answer whose audit record could not be written.
func (m *Metrics) ObserveAuditFailure() { m.unwatched.Inc() }

// RegisterInFlight adds the number of operation calls that are at work now.
func (m *Metrics) RegisterInFlight(calls func() int64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "reporting_http_calls_in_flight",
		Help: "Operation calls that are at work now.",
	}, func() float64 { return float64(calls()) }))
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
