// SPDX-License-Identifier: Apache-2.0

// Package conformance is a black-box test suite of the wire contract. Each line of
// api/wire.md has a test: the name begins with the number of the line and says what
// the line promises, as in TestW27_IdleConnectionsStayOpen. The package has tests
// only, and no package imports it.
//
// By default the suite starts the service in its own process, on a private Postgres.
// It can test another server instead. Then it skips tests that have to configure,
// stop or disconnect the server:
//
//	REPORTING_CONFORMANCE_URL           base URL, as in http://localhost:8080/fhir; it must accept unsigned tokens
//	REPORTING_CONFORMANCE_DATABASE_URL  its database, as reporting_producer, for tests that insert jobs
//	REPORTING_CONFORMANCE_OPS_URL       its operations listener, as in http://localhost:9090
//
// The users of jobs that the suite inserts have ids that begin with "conformance-".
// Their jobs stay in the database.
package conformance
