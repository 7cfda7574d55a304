// SPDX-License-Identifier: Apache-2.0

// Package conformance is a black-box suite of what a client sees: one test for
// each line of api/wire.md, named after it. It has no code but its tests, and
// nobody imports it.
//
// By default the suite starts the service in its own process, on a private
// Postgres. Pointed at another server it runs every test that needs no control
// over that server's surroundings:
//
//	REPORTING_CONFORMANCE_URL           base URL, as in http://localhost:8080/fhir; it must accept unsigned tokens
//	REPORTING_CONFORMANCE_DATABASE_URL  its database, as reporting_producer, for tests that insert jobs
//	REPORTING_CONFORMANCE_OPS_URL       its operations listener, as in http://localhost:9090
//
// Jobs that it inserts into another server's database belong to users of names
// that begin with "conformance-", and stay there.
package conformance
