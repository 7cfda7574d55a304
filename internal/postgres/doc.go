// SPDX-License-Identifier: Apache-2.0

// Package postgres is the only package that speaks SQL. It holds the connection pool, the
// stores of jobs, orders, attempts and Binaries, the runner of migrations, the health check,
// the metrics of the database, and the database's part of "reporting doctor". It must not
// know HTTP or FHIR. internal/app, tests and tools/bench import it.
package postgres
