// SPDX-License-Identifier: Apache-2.0

// Package migrations holds the database schema as numbered SQL files, applied
// in order by "reporting migrate". internal/postgres is its only importer.
package migrations

import "embed"

// FS holds every migration, named NNNN_name.sql.
//
//go:embed *.sql
var FS embed.FS
