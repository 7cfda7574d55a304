// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"sync"
	"time"

	"reporting/internal/report"
)

// pulse gives signs of life for a run, and finds out when it is taken away.
type heartbeat struct {
	maker *Runner
	run   report.Attempt
	lost  func()

	mu       sync.Mutex
	progress string
	stop     context.CancelFunc
	ended    chan struct{}
}

// tell notes how far the run has come.
func (p *heartbeat) tell(progress string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress = progress
}

func (p *heartbeat) begin(ctx context.Context) {
	ctx, p.stop = context.WithCancel(ctx)
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		ticker := time.NewTicker(p.maker.Beat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			p.mu.Lock()
			progress := p.progress
			p.mu.Unlock()
			err := p.maker.Attempts.Heartbeat(ctx, p.run, progress)
			if report.KindOf(err) == report.Superseded {
				p.lost()
				return
			}
			if err != nil && ctx.Err() == nil {
				p.maker.Log.WarnContext(ctx, "no sign of life could be given", "job", p.run.JobID.String(), "error", err.Error())
			}
		}
	}()
}

func (p *heartbeat) end() {
	p.stop()
	<-p.ended
}
