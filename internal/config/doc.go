// SPDX-License-Identifier: Apache-2.0

// Package config turns flags and environment variables into a checked Config.
// Every problem is found and reported together, before anything starts, and
// secrets are masked wherever a Config is printed.
//
// cmd/reporting and internal/app import it.
package config
