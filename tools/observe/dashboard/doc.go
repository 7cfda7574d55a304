// SPDX-License-Identifier: Apache-2.0

// Package dashboard contains the Grafana dashboard of the service as tables of panels, and writes
// it as JSON. deploy/grafana/reporting.json is generated from it ("make dashboard"), and a test
// compares the two. The program and the tests of tools/observe import it.
package dashboard
