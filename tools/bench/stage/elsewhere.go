// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package stage

import (
	"syscall"

	"github.com/prometheus/procfs"
)

// The benchmark runs on Linux only. The tests of its parts run elsewhere too.

func diesWithUs() *syscall.SysProcAttr { return nil }

func cpuModel(procfs.FS) string { return "" }
