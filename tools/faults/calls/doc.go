// SPDX-License-Identifier: Apache-2.0

// Package calls is a crowd of clients that ask the service all the time, as portals do,
// and note what they see: status, time, headers, and whether a list was the whole and
// right one.
//
// The program tools/faults imports it.
package calls
