// SPDX-License-Identifier: Apache-2.0

// Package fhir writes the FHIR R4 (4.0.1) resources this service authors: the
// answer of the status operation, OperationOutcomes, the CapabilityStatement,
// OperationDefinitions and search results over them. It knows no HTTP.
//
// internal/rest and internal/app import it; it imports internal/report only.
// Everything but the status answer is built from the samply model types, by
// constructors: their zero values are not valid resources.
package fhir
