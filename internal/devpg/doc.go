// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Package devpg starts a private, temporary PostgreSQL from the programs of the machine, or
// downloads them. It is for "reporting dev" and for tests, never for production. No process and
// no folder outlives the owning process, however that ends. internal/app,
// internal/postgres/pgtest and the tools that run servers import it.
package devpg
