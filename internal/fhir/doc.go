// SPDX-License-Identifier: Apache-2.0

// Package fhir writes the FHIR R4 (4.0.1) resources of the service: status Bundles, Binaries,
// OperationOutcomes, the CapabilityStatement, OperationDefinitions and searches over them. It
// knows neither HTTP nor storage. Resources other than the status Bundle are samply model types,
// created by constructors, because their zero values are not valid. internal/httpapi,
// internal/reports/catalog and internal/app import it.
package fhir
