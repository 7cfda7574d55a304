// SPDX-License-Identifier: Apache-2.0

// Package fhirjson reads FHIR R4 (4.0.1) JSON strictly, as a tree that keeps
// every number as it was spelled, and knows what R4 says about the shape of a
// resource: which elements there are, in which order, of which kind, which are
// lists and which are alternatives of one choice (FHIR json.html). Codes,
// minimum cardinalities and the formats of strings are nobody's business here.
//
// internal/fhir, internal/fhir/fhirxml and internal/rest import it; it imports
// nothing of ours. The schema is read off the samply model types, whose structs
// are generated from the specification; what they lack is added in build.go.
package fhirjson
