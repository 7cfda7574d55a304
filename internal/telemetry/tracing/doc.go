// SPDX-License-Identifier: Apache-2.0

// Package tracing creates the spans of requests and sends them to an OpenTelemetry collector by
// OTLP over HTTP. Only the log of the SDK is global, and no request waits for the collector. Spans
// contain no user, token, parameter, query string or SQL value. The methods of a nil Tracer, Request
// or Span do nothing; internal/httpapi and internal/app use that when traces are off.
package tracing
