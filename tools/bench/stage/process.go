// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is the usage of a process.
type Usage struct {
	CPU    time.Duration // in user and system mode
	Memory float64       // resident, in bytes
	Peak   float64       // peak resident, in bytes
}

// ProcessUsage returns the usage of one process with its threads.
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
	return Usage{CPU: seconds(stat.CPUTime()), Memory: float64(status.VmRSS), Peak: float64(status.VmHWM)}, nil
}

// ResetPeak resets the peak memory. When the kernel forbids that, it returns an error, and the
// peak is the one since the start.
func ResetPeak(pid int) error {
	const peak = "5"
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(peak), 0); err != nil {
		return fmt.Errorf("reset the peak of memory: %w", err)
	}
	return nil
}

// FamilyCPU returns the CPU time of a process and all its children, ended ones included.
func FamilyCPU(parent int) (time.Duration, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	var sum time.Duration
	for _, process := range all {
		stat, err := process.Stat()
		if err != nil {
			continue // the process has ended
		}
		if stat.PID == parent {
			const ticks = 100 // per second, on every Linux
			sum += seconds(stat.CPUTime()) + seconds(float64(stat.CUTime+stat.CSTime)/ticks)
		}
		if stat.PPID == parent {
			sum += seconds(stat.CPUTime())
		}
	}
	return sum, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
