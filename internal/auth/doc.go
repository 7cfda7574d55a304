// SPDX-License-Identifier: Apache-2.0

// Package auth turns the credentials of a request into a Principal, or says why it cannot.
//
// It knows two ways. A Verifier checks signatures against the keys of the configured issuers.
// A Gateway believes whatever stands in front of the service and only decodes the claims, for
// callers that connect from a trusted address.
//
// The package knows no routes and writes no answers: internal/rest hands over the header values
// and the peer address and maps the Kind of an error to a status. It may be imported by
// internal/rest and internal/app, and imports internal/doctor alone, for the checks of an installation.
package auth
