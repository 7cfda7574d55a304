// SPDX-License-Identifier: Apache-2.0

package servers

import "syscall"

// endWithUs has the kernel send a signal when we are gone, in whatever way.
func endWithUs(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}
