// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"io"
	"log/slog"
)

// Format is the format of log lines.
type Format string

// The formats.
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
