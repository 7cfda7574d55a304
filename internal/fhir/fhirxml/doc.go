// SPDX-License-Identifier: Apache-2.0

// Package fhirxml turns FHIR R4 (4.0.1) XML into the tree of FHIR JSON and back
// (FHIR xml.html; XML 1.0, fifth edition; Namespaces in XML 1.0). Nothing is
// dropped or altered on the way: what one form cannot say exactly is a fault.
// What is not data may change: the order of JSON members, arrays that are empty,
// comments, namespace prefixes, and how a narrative's markup is spelled.
//
// internal/fhir imports it; it imports internal/fhir/fhirjson,
// which knows the elements, their order and their kinds. All errors are
// *fhirjson.Fault and can be shown to clients.
package fhirxml
