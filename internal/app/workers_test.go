// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"reporting/internal/report"
	"reporting/internal/worker"
	"reporting/internal/worker/queue"
)

// beginner is what notes runs, and knows only how they begin.
type beginner struct {
	report.Attempts
	err error
}

func (b beginner) Begin(context.Context, report.JobID, int64) (report.Attempt, error) {
	return report.Attempt{}, b.err
}

// The queue keeps what it is told, where others can read it. By the end of a context it
// knows that a worker has stopped, and lets another one begin at once.
func TestWhatTheQueueIsTold(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		ctx       context.Context //nolint:containedctx // of the call
		err, want error
	}{
		"nothing to do": {t.Context(), &report.Error{Kind: report.Superseded}, queue.ErrOver},
		"a fault":       {t.Context(), errors.New("secret words"), errAgain},
		"a stop":        {stopped, errors.New("secret words"), context.Canceled},
	} {
		w := &workers{maker: worker.New(worker.Options{Attempts: beginner{err: c.err}, Log: slog.New(slog.DiscardHandler), Now: time.Now})}
		if err := w.do(c.ctx, report.JobID{1}, 1); err != c.want { //nolint:errorlint // it itself, and nothing around it
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
