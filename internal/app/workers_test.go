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

// beginner is a store of attempts that only begins them.
type beginner struct {
	report.Attempts
	err error
}

func (b beginner) Begin(context.Context, report.JobID, int64) (report.Attempt, error) {
	return report.Attempt{}, b.err
}

// The queue stores the error of an attempt where operators can read it, so the error
// holds no detail. context.Canceled means that the worker stops: another one begins at once.
func TestQueueGetsNoErrorDetails(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		ctx       context.Context //nolint:containedctx // of the call
		err, want error
	}{
		"superseded": {t.Context(), &report.Error{Kind: report.Superseded}, queue.ErrOver},
		"failure":    {t.Context(), errors.New("secret words"), errAgain},
		"stop":       {stopped, errors.New("secret words"), context.Canceled},
	} {
		w := &workers{maker: worker.New(worker.Options{Attempts: beginner{err: c.err}, Log: slog.New(slog.DiscardHandler), Now: time.Now})}
		if err := w.do(c.ctx, report.JobID{1}, 1); err != c.want { //nolint:errorlint // it itself, and nothing around it
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
