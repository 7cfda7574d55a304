// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics holds the metrics of this process, in a registry of its own.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	limited  *prometheus.CounterVec

	connections, maxConnections prometheus.Gauge

	auditFailures prometheus.Counter
}

// Build identifies the running build.
type Build struct {
	Version string
	Commit  string
	Date    time.Time
}

// NewMetrics registers the metrics of HTTP, tokens and the process. Other packages register
// theirs on Registry.
func NewMetrics(build Build) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_http_requests_total",
			Help: "Responses of the API listener, by operation, method and status class.",
		}, []string{"operation", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "reporting_http_request_duration_seconds",
			Help:    "Time from a request's headers to the end of its response, by operation and method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10},
		}, []string{"operation", "method"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_auth_tokens_total",
			Help: "Authentications by result.",
		}, []string{"result"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reporting_http_rejected_total",
			Help: "Requests rejected by a limit: concurrency, user_rate, user_calls, large_bodies or streams.",
		}, []string{"limit"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_http_connections",
			Help: "Open connections of the API listener, idle ones included.",
		}),
		maxConnections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reporting_http_max_connections",
			Help: "Maximum number of connections of the API listener; further ones wait.",
		}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reporting_audit_failures_total",
			Help: "Audit records that were lost.",
		}),
	}
	// A rate needs the zero from which a counter starts.
	for _, limit := range []Limit{LimitConcurrency, LimitUserRate, LimitUserCalls, LimitLargeBodies, LimitStreams} {
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

// always registers a metric with the constant value 1, for its labels.
func (m *Metrics) always(name, help string, labels prometheus.Labels) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	gauge.Set(1)
	m.Registry.MustRegister(gauge)
}

// ObserveRequest counts a request. The operation comes from a closed set. A trace id that is not
// empty becomes an exemplar.
func (m *Metrics) ObserveRequest(operation string, method Method, status int, duration time.Duration, traceID string) {
	m.requests.WithLabelValues(operation, string(method), statusClass(status)).Inc()
	observer := m.duration.WithLabelValues(operation, string(method))
	if exemplars, ok := observer.(prometheus.ExemplarObserver); ok && traceID != "" {
		exemplars.ObserveWithExemplar(duration.Seconds(), prometheus.Labels{"trace_id": traceID})
		return
	}
	observer.Observe(duration.Seconds())
}

// TokenResult is the result of an authentication.
type TokenResult string

// The results.
const (
	TokenAccepted  TokenResult = "accepted"
	TokenMissing   TokenResult = "missing"
	TokenMalformed TokenResult = "malformed" // several credentials
	TokenInvalid   TokenResult = "invalid"
	TokenExpired   TokenResult = "expired"
	TokenNoUser    TokenResult = "no_user"
	TokenNoKeys    TokenResult = "keys_unavailable" // no keys to verify it
)

// ObserveToken counts an authentication.
func (m *Metrics) ObserveToken(result TokenResult) { m.tokens.WithLabelValues(string(result)).Inc() }

// Limit is a limit that can reject a request.
type Limit string

// The limits.
const (
	LimitConcurrency Limit = "concurrency"  // requests in progress
	LimitUserRate    Limit = "user_rate"    // requests of one user per second
	LimitUserCalls   Limit = "user_calls"   // requests of one user in progress
	LimitLargeBodies Limit = "large_bodies" // large bodies in memory
	LimitStreams     Limit = "streams"      // responses that are streamed
)

// ObserveLimited counts a request that a limit rejected.
func (m *Metrics) ObserveLimited(limit Limit) { m.limited.WithLabelValues(string(limit)).Inc() }

// ObserveAuditFailures counts lost audit records.
func (m *Metrics) ObserveAuditFailures(n int) { m.auditFailures.Add(float64(n)) }

// AddConnections changes the number of connections to the API listener.
func (m *Metrics) AddConnections(n float64) { m.connections.Add(n) }

// SetMaxConnections sets the maximum number of connections, which can be lower than the setting.
func (m *Metrics) SetMaxConnections(n int) { m.maxConnections.Set(float64(n)) }

// RegisterLoad registers gauges of the requests in progress, the large bodies in memory, and the
// streamed responses.
func (m *Metrics) RegisterLoad(calls, largeBodies, longAnswers func() float64) {
	m.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_calls_in_flight",
			Help: "Requests whose responses are being encoded.",
		}, calls),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_large_bodies_in_flight",
			Help: "Request bodies above 8 KiB in memory.",
		}, largeBodies),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "reporting_http_streams_in_flight",
			Help: "Responses of more than one piece that are being sent.",
		}, longAnswers))
}

// Method is an HTTP method for metrics and logs, from a closed set.
type Method string

// MethodOf returns "other" for an unknown method, because a client can send any.
func MethodOf(method string) Method {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return Method(method)
	}
	return "other"
}

// StatusClientGone is the status in logs and metrics of a request whose client disconnected
// before the response, as in nginx. It is never sent.
const StatusClientGone = 499

// statusClass returns 2xx and so on, and 499 for a client that disconnected.
func statusClass(status int) string {
	if status == StatusClientGone {
		return "499"
	}
	return strconv.Itoa(status/100) + "xx"
}
