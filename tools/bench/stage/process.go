// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a set of processes has used.
type Usage struct {
	CPU  time.Duration // in user and system mode
	Peak int           // most memory at a time, in bytes
}

// ProcessUsage is the usage of one process, threads included.
func ProcessUsage(pid int) (Usage, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return Usage{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	stat, err := process.Stat()
	if err != nil {
		return Usage{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	status, err := process.NewStatus()
	if err != nil {
		return Usage{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	return Usage{CPU: seconds(stat.CPUTime()), Peak: int(status.VmHWM)}, nil //nolint:gosec // no process is that large
}

// FamilyCPU is the CPU time of a process and of all its children, those that have
// ended included.
func FamilyCPU(parent int) (time.Duration, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	var sum time.Duration
	for _, process := range all {
		stat, err := process.Stat()
		if err != nil {
			continue // it has ended meanwhile
		}
		if stat.PID == parent {
			const ticks = 100 // in a second, on every Linux there is
			sum += seconds(stat.CPUTime()) + seconds(float64(stat.CUTime+stat.CSTime)/ticks)
		}
		if stat.PPID == parent {
			sum += seconds(stat.CPUTime())
		}
	}
	return sum, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
