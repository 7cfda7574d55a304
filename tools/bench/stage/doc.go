// SPDX-License-Identifier: Apache-2.0

// Package stage starts the parts of a measurement: a private Postgres with jobs, an issuer of
// tokens, and the service as a process. It knows no measurement; tools/bench and tools/faults
// import it.
package stage
