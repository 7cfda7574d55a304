// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"time"

	"reporting/internal/telemetry/tracing"
)

// Traces say whether traces are sent, and where to.
type Traces = tracing.Settings

// ReadTraces reads the settings of traces, OTEL_*, by a function such as os.Getenv. The
// errors are all that is wrong with them.
func ReadTraces(getenv func(name string) string) (Traces, []error) { return tracing.Read(getenv) }

// tracesLimit is how long a stopping service waits for its last traces to be taken: not
// long, since nobody but the collector misses them.
const tracesLimit = 2 * time.Second

// openTraces comes first, so that it ends when nothing makes spans any more.
func (a *App) openTraces(ctx context.Context, o Options) error {
	tracer, err := tracing.New(ctx, tracing.Options{Settings: o.Traces, Version: o.Build.Version, Base: o.Config.BaseURL, Log: o.Log})
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	a.tracer = tracer
	a.cleanups.add("traces", tracesLimit, tracer.Close)
	return nil
}
