// SPDX-License-Identifier: Apache-2.0

// Package episode is what reports need to know of an EpisodeOfCare: whose it is, and
// when it had which status. Where episodes come from is other packages' affair.
//
// The packages of reports and of sources import it. It uses the standard library only.
package episode
