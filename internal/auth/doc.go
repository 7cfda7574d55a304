// SPDX-License-Identifier: Apache-2.0

// Package auth turns the credentials of a request into a Principal, or returns an Error with a
// Kind. A Verifier checks signatures with the keys of the configured issuers. A Gateway trusts a
// gateway in front of the service and only decodes the claims. The package knows no routes and
// writes no responses; internal/httpapi and internal/app import it.
package auth
