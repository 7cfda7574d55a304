// SPDX-License-Identifier: Apache-2.0

package live_test

import "syscall"

// diesWithUs makes a child process end with the test, even when the test is killed.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
