// SPDX-License-Identifier: Apache-2.0

// Package live tests the dashboard, the alerts and the documents against the running service. It
// starts the built program, Postgres and Prometheus, provokes failures, and runs every query. It has
// only tests, which need prometheus and promtool; "make observe" runs them.
package live
