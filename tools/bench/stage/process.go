// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a process has used.
type Usage struct {
	CPU    time.Duration // in user and system mode
	Memory float64       // resident now, in bytes
	Peak   float64       // most resident at a time, in bytes
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
	return Usage{CPU: seconds(stat.CPUTime()), Memory: float64(status.VmRSS), Peak: float64(status.VmHWM)}, nil
}

// ResetPeak makes Peak begin anew. Where the kernel forbids that it tells so, and Peak
// is that since the start of the process.
func ResetPeak(pid int) error {
	const peak = "5"
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(peak), 0); err != nil {
		return fmt.Errorf("reset the peak of memory: %w", err)
	}
	return nil
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
