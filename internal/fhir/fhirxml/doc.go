// SPDX-License-Identifier: Apache-2.0

// Package fhirxml converts FHIR R4 (4.0.1) XML to the tree of FHIR JSON and back (FHIR xml.html;
// XML 1.0, fifth edition; Namespaces in XML 1.0). It loses no data: content that one format
// cannot represent is a *fhirjson.Fault, which can be shown to clients. The order of JSON
// members, empty arrays, comments, namespace prefixes and the spelling of narratives may change.
// It imports fhirjson, which knows the elements; internal/fhir imports it.
package fhirxml
