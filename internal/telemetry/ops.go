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

// Check is one thing that has to be well before the service can answer.
type Check struct {
	Name string
	// Run returns nil, or what is wrong in words that an operator may see: no
	// secrets.
	Run func(context.Context) error
}

// Readiness tells whether requests should be sent here, and logs when that
// changes.
type Readiness struct {
	log      *slog.Logger
	checks   []Check
	draining atomic.Bool

	mu   sync.Mutex
	told map[string]string // what was last logged of each check; "" is well
}

// NewReadiness returns a readiness of all checks.
func NewReadiness(log *slog.Logger, checks ...Check) *Readiness {
	return &Readiness{log: log, checks: checks, told: map[string]string{}}
}

// Check runs all checks, so that what is wrong at start stands in the log
// whether or not anybody probes.
func (r *Readiness) Check(ctx context.Context) { r.answer(ctx) }

// tell logs the result of a check when it is not what it was.
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

// Drain makes the service not ready for good: it is about to stop.
func (r *Readiness) Drain() { r.draining.Store(true) }

// Draining tells whether Drain was called.
func (r *Readiness) Draining() bool { return r.draining.Load() }

type readyAnswer struct {
	Ready  bool          `json:"ready"`
	Reason string        `json:"reason,omitempty"`
	Checks []checkResult `json:"checks,omitempty"`
}

type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func (r *Readiness) answer(ctx context.Context) readyAnswer {
	if r.Draining() {
		return readyAnswer{Reason: "the service is stopping"}
	}
	answer := readyAnswer{Ready: true}
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

// Handler serves the operations listener: /livez, /readyz, /metrics and the profiles
// of a process that misbehaves, below /debug/pprof/.
func Handler(m *Metrics, r *Readiness) http.Handler {
	mux := http.NewServeMux()
	// Alive means that the process answers, and nothing else: a database that is
	// away must not have every instance restarted.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		answer := r.answer(req.Context())
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
	// Of what net/http/pprof has, these: they tell of functions and never of values, as
	// /debug/pprof/cmdline would, which may show a password.
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
	_ = json.NewEncoder(w).Encode(value) //nolint:errchkjson // a probe that is gone needs no answer
}
