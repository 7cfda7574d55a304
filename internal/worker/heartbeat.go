// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"sync/atomic"
	"time"

	"reporting/internal/report"
)

// sendHeartbeats sends the heartbeats of an attempt until ctx ends. It calls superseded and
// returns when the attempt no longer holds its job.
func (r *Runner) sendHeartbeats(ctx context.Context, attempt report.Attempt, progress *atomic.Value, superseded func()) {
	ticker := time.NewTicker(r.HeartbeatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		text, _ := progress.Load().(string)
		err := r.Attempts.Heartbeat(ctx, attempt, text)
		switch {
		case report.KindOf(err) == report.Superseded:
			superseded()
			return
		case err != nil && ctx.Err() == nil:
			r.Log.WarnContext(ctx, "heartbeat failed", "job", attempt.JobID.String(), "error", err.Error())
		}
	}
}
