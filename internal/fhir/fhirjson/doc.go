// SPDX-License-Identifier: Apache-2.0

// Package fhirjson parses FHIR R4 (4.0.1) JSON strictly into a tree that keeps the spelling of
// numbers, and knows the structure of resources: elements, their order and kinds, lists and
// choices (FHIR json.html). It does not know codes, minimum cardinalities and formats of
// strings. The schema comes from the samply model types, which are generated from the
// specification. internal/fhir, internal/fhir/fhirxml and internal/httpapi import it.
package fhirjson
