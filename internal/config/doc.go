// SPDX-License-Identifier: Apache-2.0

// Package config turns flags and environment variables into a validated Config.
// It reports all problems together, before anything starts, and masks secrets
// wherever a Config is printed. It connects to nothing and knows no other package
// of this module. cmd/reporting and internal/app import it.
package config
