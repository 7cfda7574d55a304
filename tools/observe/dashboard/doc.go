// SPDX-License-Identifier: Apache-2.0

// Package dashboard is Grafana's dashboard for the service, as tables of panels in Go: a
// panel is a line or three here and forty in Grafana's JSON, most of them the same in
// each. deploy/grafana/reporting.json is made from it, and a test holds the two equal.
//
// The programs and tests of tools/observe import it.
package dashboard
