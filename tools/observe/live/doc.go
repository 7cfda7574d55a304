// SPDX-License-Identifier: Apache-2.0

// Package live holds the dashboard, the alerts and the documents against the running
// service: it starts the built program, a Postgres and a Prometheus, provokes what the
// panels are about, and asks for each of them. It is a test, for the issuer of tokens that
// fails on demand is one for tests, and has nothing that anybody could import.
//
// "make observe" runs it. It needs prometheus and promtool, which "make test" does not.
package live
