// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"syscall"

	"github.com/prometheus/procfs"
)

// diesWithUs makes a program end when we do, also when that is a crash and nothing is
// stopped in order.
func diesWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

// cpuModel is what the processor calls itself, where it does: not every architecture
// names it.
func cpuModel(proc procfs.FS) string {
	cpus, err := proc.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return ""
	}
	return cpus[0].ModelName
}
