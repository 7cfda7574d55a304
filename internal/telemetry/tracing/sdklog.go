// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// logSDK sends the errors of the SDK to log. Without it the SDK writes them to the standard error
// output. The setting is global, because the SDK has one logger per process.
func logSDK(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { warn(context.Background(), log, err.Error()) }))
	otel.SetLogger(logr.FromSlogHandler(sdkHandler{log}))
}

func warn(ctx context.Context, log *slog.Logger, message string) {
	log.WarnContext(ctx, "OpenTelemetry reports a problem: check the variables OTEL_*", "problem", message)
}

// sdkHandler logs the message of an error without its attributes. They contain the values of
// variables, and the value of OTEL_EXPORTER_OTLP_HEADERS can be secret.
type sdkHandler struct{ log *slog.Logger }

// Enabled implements slog.Handler.
func (h sdkHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements slog.Handler.
func (h sdkHandler) Handle(ctx context.Context, r slog.Record) error {
	warn(ctx, h.log, r.Message)
	return nil
}

// WithAttrs implements slog.Handler.
func (h sdkHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h sdkHandler) WithGroup(string) slog.Handler { return h }
