// SPDX-License-Identifier: Apache-2.0

package telemetry

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
	tokens   *prometheus.CounterVec
	limited  *prometheus.CounterVec

	connections, maxConnections prometheus.Gauge

	auditFailures prometheus.Counter
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
			Name: "reporting_http_rejected_total",
			Help: "Requests refused because of a limit: concurrency, user_rate, user_calls, large_bodies or streams.",
		}, []string{"limit"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_http_connections",
			Help: "Connections to the API listener, idle ones included.",
		}),
		maxConnections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_http_max_connections",
			Help: "The most connections that the API listener takes at a time; more wait.",
		}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reporting_audit_failures_total",
			Help: "Answers whose audit record could not be written.",
		}),
	}
	// A rate needs the zero it grew from.
	for _, limit := range []Limit{LimitConcurrency, LimitUserRate, LimitUserCalls, LimitLargeBodies, LimitLongAnswers} {
		m.limited.WithLabelValues(string(limit))
	}
	for _, result := range []TokenResult{
		TokenAccepted, TokenMissing, TokenMalformed, TokenInvalid, TokenExpired, TokenNoUser, TokenNoKeys,
	} {
		m.tokens.WithLabelValues(string(result))
	}
	m.Registry.MustRegister(m.requests, m.duration, m.tokens, m.limited, m.connections, m.maxConnections, m.auditFailures,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.always("reporting_build_info", "Always 1; the labels say which build is running.",
		prometheus.Labels{"version": build.Version, "commit": build.Commit})
	return m
}

// always adds a metric that is there for its labels.
func (m *Metrics) always(name, help string, labels prometheus.Labels) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	gauge.Set(1)
	m.Registry.MustRegister(gauge)
}

// ObserveRequest counts a request. The operation comes from a closed set; the
// status is brought into one. With a trace id, unless that is empty, the request stands
// for others like it (an exemplar).
func (m *Metrics) ObserveRequest(operation string, method Method, status int, duration time.Duration, traceID string) {
	m.requests.WithLabelValues(operation, string(method), statusClass(status)).Inc()
	observer := m.duration.WithLabelValues(operation, string(method))
	if exemplars, ok := observer.(prometheus.ExemplarObserver); ok && traceID != "" {
		exemplars.ObserveWithExemplar(duration.Seconds(), prometheus.Labels{"trace_id": traceID})
		return
	}
	observer.Observe(duration.Seconds())
}

// TokenResult is what became of a token.
type TokenResult string

// The results.
const (
	TokenAccepted  TokenResult = "accepted"
	TokenMissing   TokenResult = "missing"
	TokenMalformed TokenResult = "malformed" // several, where one is allowed
	TokenInvalid   TokenResult = "invalid"
	TokenExpired   TokenResult = "expired"
	TokenNoUser    TokenResult = "no_user"
	TokenNoKeys    TokenResult = "keys_unavailable" // could not be judged
)

// ObserveToken counts a request that needs a token.
func (m *Metrics) ObserveToken(result TokenResult) { m.tokens.WithLabelValues(string(result)).Inc() }

// Limit is what a request can be too much for.
type Limit string

// The limits.
const (
	LimitConcurrency Limit = "concurrency"  // calls at work at a time
	LimitUserRate    Limit = "user_rate"    // calls of one user in a second
	LimitUserCalls   Limit = "user_calls"   // calls of one user at work at a time
	LimitLargeBodies Limit = "large_bodies" // large bodies in memory at a time
	LimitLongAnswers Limit = "streams"      // long answers being sent at a time
)

// ObserveLimited counts a request that was refused because of a limit.
func (m *Metrics) ObserveLimited(limit Limit) { m.limited.WithLabelValues(string(limit)).Inc() }

// ObserveAuditFailures counts answers whose audit record could not be written.
func (m *Metrics) ObserveAuditFailures(n int) { m.auditFailures.Add(float64(n)) }

// AddConnections changes the number of connections to the API listener.
func (m *Metrics) AddConnections(n float64) { m.connections.Add(n) }

// SetMaxConnections tells how many connections there may be at a time. It is a metric
// because the limit may be lower than the setting says.
func (m *Metrics) SetMaxConnections(n int) { m.maxConnections.Set(float64(n)) }

// RegisterLoad adds what is at work now: operation calls whose answers are being made,
// large bodies in memory, and long answers being sent.
func (m *Metrics) RegisterLoad(calls, largeBodies, longAnswers func() float64) {
	m.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_calls_in_flight",
			Help: "Operation calls whose answers are being made now.",
		}, calls),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_large_bodies_in_flight",
			Help: "Request bodies above 8 KiB that are in memory now.",
		}, largeBodies),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_streams_in_flight",
			Help: "Answers of more than one piece that are being sent now.",
		}, longAnswers))
}

// Method is an HTTP method as metrics and log have it, from a closed set.
type Method string

// MethodOf keeps clients from making methods up, in a log as well as in label values.
func MethodOf(method string) Method {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return Method(method)
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
