// SPDX-License-Identifier: Apache-2.0

// Package obs is how operators see the service: its log, its metrics and the
// operations listener with probes. Nothing in it is global; internal/app makes
// each part once and hands it on.
//
// internal/rest and internal/app import it.
package telemetry
