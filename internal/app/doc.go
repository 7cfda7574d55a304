// SPDX-License-Identifier: Apache-2.0

// Package app is the one place where the parts of the service are put together,
// started and stopped. It imports everything; only cmd/reporting and
// black-box tests import it.
package app
