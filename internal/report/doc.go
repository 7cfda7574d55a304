// SPDX-License-Identifier: Apache-2.0

// Package report is the domain: what a report job is, which states it may pass
// through, whose jobs a caller may see and how reading them can fail.
//
// It knows no technology: the standard library is all it imports, and every
// other internal package may import it.
package report
