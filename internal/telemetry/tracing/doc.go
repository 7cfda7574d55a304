// SPDX-License-Identifier: Apache-2.0

// Package trace tells a collector of traces (OpenTelemetry) what became of requests:
// how long each took, and for what. It reads the OTEL_* settings, makes the spans, and
// sends them by OTLP. Nothing in it is global, and nothing waits for the collector.
//
// Spans name no user and hold no token, parameter, query or SQL value.
//
// Where traces are off there is no Tracer. The methods of nil Tracers, Requests and Spans
// do nothing, so that whoever calls them need not ask.
//
// internal/rest and internal/app import it.
package tracing
