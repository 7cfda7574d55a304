// SPDX-License-Identifier: Apache-2.0

// Package source reads what FHIR servers write about episodes of care. Packages below
// it are the places where that can come from.
//
// Those packages import it.
package source
