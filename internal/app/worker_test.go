// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/config"
)

// A worker stops without the shutdown delay, which is for balancers, and without a
// database.
func TestWorkersStopWithoutDelay(t *testing.T) {
	t.Parallel()
	worker, err := app.NewWorker(t.Context(), app.Options{Log: slog.New(slog.DiscardHandler), Config: config.Config{
		OpsListen: "127.0.0.1:0", DatabaseURL: "postgres://nobody@127.0.0.1:1/none", StatementTimeout: time.Second, ShutdownDelay: time.Hour,
		Reports: config.Reports{
			Source: config.Source{Kind: config.SyntheticSource, Episodes: 1}, Zone: time.UTC, Workers: 1, MaxAttempts: 1, Timeout: time.Minute,
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the worker is still running after a minute")
	}
}
