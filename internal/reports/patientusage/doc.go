// SPDX-License-Identifier: Apache-2.0

// Package patientusage counts patients for the report patient-usage-stats: how many had an
// episode of care in each month, and how many had an active one on at least seven days of it. It
// knows episodes and no source. internal/reports imports it.
package patientusage
