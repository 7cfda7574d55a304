// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
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
