// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"sync"
	"time"

	"reporting/internal/report"
)

// heartbeat sends the heartbeats of an attempt and detects that the attempt is superseded.
type heartbeat struct {
	runner     *Runner
	attempt    report.Attempt
	superseded func()

	mu       sync.Mutex
	progress string
	cancel   context.CancelFunc
	ended    chan struct{}
}

// setProgress stores the progress that the next heartbeat sends.
func (h *heartbeat) setProgress(progress string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = progress
}

func (h *heartbeat) start(ctx context.Context) {
	ctx, h.cancel = context.WithCancel(ctx)
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		ticker := time.NewTicker(h.runner.HeartbeatInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if !h.send(ctx) {
				return
			}
		}
	}()
}

// send sends one heartbeat and reports whether the attempt still holds its job.
func (h *heartbeat) send(ctx context.Context) bool {
	h.mu.Lock()
	progress := h.progress
	h.mu.Unlock()
	err := h.runner.Attempts.Heartbeat(ctx, h.attempt, progress)
	if report.KindOf(err) == report.Superseded {
		h.superseded()
		return false
	}
	if err != nil && ctx.Err() == nil {
		h.runner.Log.WarnContext(ctx, "heartbeat failed", "job", h.attempt.JobID.String(), "error", err.Error())
	}
	return true
}

func (h *heartbeat) stop() {
	h.cancel()
	<-h.ended
}
