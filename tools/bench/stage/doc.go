// SPDX-License-Identifier: Apache-2.0

// Package stage sets up what is measured: a private Postgres full of jobs, an
// issuer of tokens, and the service as a program of its own, with what they use.
//
// The programs of tools/bench import it.
package stage
