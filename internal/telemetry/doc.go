// SPDX-License-Identifier: Apache-2.0

// Package telemetry is what operators see of the service: log, audit stream, metrics, and the
// operations listener with its probes. Nothing in it is global, and it knows neither HTTP routes
// nor SQL. internal/httpapi and internal/app import it.
package telemetry
