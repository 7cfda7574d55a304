// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"
)

// Machine describes the machine of a measurement, without its name.
type Machine struct {
	Cores    int // available to this process
	CPU      string
	MemoryMB int
	Kernel   string
}

// ThisMachine describes this machine.
func ThisMachine() (Machine, error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return Machine{}, fmt.Errorf("look at the machine: %w", err)
	}
	memory, err := proc.Meminfo()
	if err != nil {
		return Machine{}, fmt.Errorf("look at the machine: %w", err)
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return Machine{}, fmt.Errorf("look at the machine: %w", err)
	}
	m := Machine{Cores: runtime.NumCPU(), CPU: runtime.GOARCH, Kernel: strings.TrimSpace(string(kernel))}
	if memory.MemTotal != nil {
		m.MemoryMB = int(*memory.MemTotal >> 10)
	}
	if model := cpuModel(proc); model != "" {
		m.CPU = model
	}
	return m, nil
}

// SendBuffer returns the bytes that the kernel keeps of written and unread data of a connection;
// 0 means unknown.
func SendBuffer() float64 {
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_wmem")
	if err != nil {
		return 0
	}
	var least, usual, most float64
	if _, err := fmt.Sscan(string(text), &least, &usual, &most); err != nil {
		return 0
	}
	return most
}
