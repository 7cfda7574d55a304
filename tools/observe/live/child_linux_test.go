// SPDX-License-Identifier: Apache-2.0

package live_test

import "syscall"

// diesWithUs makes a program end when the test does, also when that is killed.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
