// SPDX-License-Identifier: Apache-2.0

// Package httpapi is the HTTP side of the FHIR API: routes, limits, tokens, request bodies,
// response headers, and the one function that turns every error into an OperationOutcome.
//
// Endpoints live in folders of their own below it and are passed to New. The package knows no
// endpoint and no SQL. internal/app and the endpoints import it.
package httpapi
