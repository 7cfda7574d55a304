// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package live_test

import "syscall"

// diesWithUs is for Linux. Elsewhere a test that is killed leaves its Prometheus behind.
func diesWithUs() *syscall.SysProcAttr { return nil }
