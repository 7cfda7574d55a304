// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"syscall"

	"github.com/prometheus/procfs"
)

// diesWithUs makes a child end when this process ends, even by a crash.
func diesWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

// cpuModel returns the model of the processor, if the architecture names it.
func cpuModel(proc procfs.FS) string {
	cpus, err := proc.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return ""
	}
	return cpus[0].ModelName
}
