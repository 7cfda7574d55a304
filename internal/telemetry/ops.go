// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check is one condition of readiness.
type Check struct {
	Name string
	// Run returns nil, or an error for operators without secrets.
	Run func(context.Context) error
}

// Readiness tells whether the service can serve requests, and logs changes.
type Readiness struct {
	log      *slog.Logger
	checks   []Check
	draining atomic.Bool

	mu   sync.Mutex
	told map[string]string // last logged reason of each check; "" means that it passes
}

// NewReadiness returns the readiness of all checks together.
func NewReadiness(log *slog.Logger, checks ...Check) *Readiness {
	return &Readiness{log: log, checks: checks, told: map[string]string{}}
}

// Check runs all checks, so that the log has their failures at start, even without a probe.
func (r *Readiness) Check(ctx context.Context) { r.response(ctx) }

// tell logs the result of a check when it has changed.
func (r *Readiness) tell(ctx context.Context, check checkResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.told[check.Name]
	r.told[check.Name] = check.Reason
	switch {
	case check.Reason == before && known, check.OK && !known:
	case check.OK:
		r.log.InfoContext(ctx, "check passes again", "check", check.Name)
	default:
		r.log.WarnContext(ctx, "not ready", "check", check.Name, "reason", check.Reason)
	}
}

// Drain makes the service not ready until its end.
func (r *Readiness) Drain() { r.draining.Store(true) }

// Draining reports whether Drain was called.
func (r *Readiness) Draining() bool { return r.draining.Load() }

type readyResponse struct {
	Ready  bool          `json:"ready"`
	Reason string        `json:"reason,omitempty"`
	Checks []checkResult `json:"checks,omitempty"`
}

type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func (r *Readiness) response(ctx context.Context) readyResponse {
	if r.Draining() {
		return readyResponse{Reason: "the service is stopping"}
	}
	answer := readyResponse{Ready: true}
	for _, c := range r.checks {
		result := checkResult{Name: c.Name, OK: true}
		if err := c.Run(ctx); err != nil {
			result.OK, result.Reason = false, err.Error()
			answer.Ready = false
		}
		r.tell(ctx, result)
		answer.Checks = append(answer.Checks, result)
	}
	return answer
}

// Handler returns the handler of the operations listener: /livez, /readyz, /metrics and
// /debug/pprof/.
func Handler(m *Metrics, r *Readiness) http.Handler {
	mux := http.NewServeMux()
	// Liveness does not depend on the database: an outage must not restart every instance.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		answer := r.response(req.Context())
		status := http.StatusOK
		if !answer.Ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, answer)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{
		Registry:          m.Registry,
		EnableOpenMetrics: true,
	}))
	// These profiles contain functions and no values. /debug/pprof/cmdline could show a
	// password.
	for _, name := range []string{"allocs", "goroutine", "heap"} {
		mux.Handle("GET /debug/pprof/"+name, pprof.Handler(name))
	}
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) //nolint:errchkjson // the client may have disconnected
}
