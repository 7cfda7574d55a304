// SPDX-License-Identifier: Apache-2.0

// Package episode is the data of an EpisodeOfCare that reports need: the patient and the periods
// of each status. It imports only the standard library and knows no source. The packages of
// reports and of sources import it.
package episode
