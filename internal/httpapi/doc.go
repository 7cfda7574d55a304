// SPDX-License-Identifier: Apache-2.0

// Package rest is the HTTP side of the FHIR API: routes, limits, tokens,
// request bodies, response headers, and the one funnel through which every
// error becomes an OperationOutcome.
//
// Operations live in folders of their own below it and are handed to it as a
// registry. It never sees SQL: it imports internal/report, internal/fhir,
// internal/auth and internal/obs, and internal/app imports it.
package httpapi
