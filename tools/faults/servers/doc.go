// SPDX-License-Identifier: Apache-2.0

// Package servers starts what the faults happen to, as real processes on loopback: the
// program under test, PostgreSQL, PgBouncer, HAProxy, and proxies that damage what goes
// through them. All of them end with whoever started them, also when that is killed.
//
// The program tools/faults imports it.
package servers
