// SPDX-License-Identifier: Apache-2.0

// Package source decodes EpisodeOfCare resources. The packages below it read them from a FHIR
// server, from files, or generate them; they import it. It knows no report.
package source
