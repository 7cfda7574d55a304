// SPDX-License-Identifier: Apache-2.0

// Package negotiation decides the format of request and response bodies from Accept,
// Content-Type, _format, _pretty and Prefer (FHIR R4 http.html, section 3.1.0.1; RFC 9110,
// sections 8.3 and 12.5; RFC 7240). It is the only package that knows the names of formats. It
// knows no routes; internal/httpapi and its endpoints import it.
package negotiation
