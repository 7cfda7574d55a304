// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package live_test

import "syscall"

// diesWithUs works on Linux only. On other systems a killed test leaves its Prometheus running.
func diesWithUs() *syscall.SysProcAttr { return nil }
