// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"io"
	"log/slog"
)

// Format is how log lines are written.
type Format string

// The formats of log lines.
const (
	JSON Format = "json"
	Text Format = "text"
)

// NewLogger returns a logger that writes to w.
func NewLogger(w io.Writer, level slog.Level, format Format) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == Text {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
