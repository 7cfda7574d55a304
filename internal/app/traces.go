// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"time"

	"reporting/internal/telemetry/tracing"
)

// Traces tell whether and where to send traces.
type Traces = tracing.Settings

// ReadTraces reads the settings OTEL_* with a function such as os.Getenv, and returns all problems.
func ReadTraces(getenv func(name string) string) (Traces, []error) { return tracing.Read(getenv) }

// tracesLimit is how long a stopping service waits for its last spans to be sent.
const tracesLimit = 2 * time.Second

// openTraces runs first, so that its cleanup runs last, when nothing creates spans any more.
func (a *App) openTraces(ctx context.Context, o Options) error {
	tracer, err := tracing.New(ctx, tracing.Options{Settings: o.Traces, Version: o.Build.Version, Base: o.Config.BaseURL, Log: o.Log})
	if err != nil {
		return fmt.Errorf("enable traces: %w", err)
	}
	a.tracer = tracer
	a.cleanups.add("traces", tracesLimit, tracer.Close)
	return nil
}
