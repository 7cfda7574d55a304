// SPDX-License-Identifier: Apache-2.0

// Package patientusage counts patients for the report "patient-usage-stats": how many
// had an episode of care in each month, and how many were in an active one on seven
// days of it or more.
package patientusage
