// SPDX-License-Identifier: Apache-2.0

// Package report is the domain: jobs with their states, attempts and results, the rules
// about whose jobs a caller may see, and the ports to the stores with their errors. It
// imports only the standard library and knows no technology. Every other package may
// import it.
package report
