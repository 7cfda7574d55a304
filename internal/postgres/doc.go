// SPDX-License-Identifier: Apache-2.0

// Package postgres is the only package that speaks SQL: the connection pool,
// the store of report jobs, the schema's migration and health, and the
// translation of database errors into the domain's kinds; and what "reporting doctor"
// says of a database.
//
// internal/app, tests and tools/bench import it; internal/rest never does.
package postgres
