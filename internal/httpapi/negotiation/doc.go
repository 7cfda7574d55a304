// SPDX-License-Identifier: Apache-2.0

// Package negotiation decides in which format a request's body is read and its
// answer written: Accept, Content-Type, _format, _pretty and Prefer (FHIR R4
// http.html, section 3.1.0.1; RFC 9110, sections 8.3 and 12.5; RFC 7240). It is
// the only place that knows which names of formats clients use.
//
// It is written by hand because no library knows FHIR's rules: legacy names, the
// fhirVersion parameter, JSON on a tie. It takes headers and queries apart and
// knows no requests. internal/rest imports it, and hands what it found to operations;
// it imports internal/fhir for the formats.
package negotiation
