// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Package embedded starts a private, throw-away PostgreSQL from programs found on the machine, or fetched through
// its package clients when there are none. It is for `reporting dev` and for tests, never for production.
// Nothing stays behind, neither a process nor a folder, however the owning process ends.
//
// Only internal/app, internal/postgres/pgtest and the tools that run servers (tools/bench,
// tools/faults, tools/observe) may import it.
package devpg
