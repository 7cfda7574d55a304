// SPDX-License-Identifier: Apache-2.0

// Package migrations holds the database schema as numbered SQL files, one for each concern.
// "reporting migrate" applies them in order. It contains no code, and only
// internal/postgres imports it.
package migrations

import "embed"

// FS holds every migration, named NNNN_name.sql.
//
//go:embed *.sql
var FS embed.FS
