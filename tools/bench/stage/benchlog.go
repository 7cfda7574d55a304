// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readTimes reads pgbench's logs, a line for each transaction with its time in
// microseconds in the third column, and sorts the times.
func readTimes(dir string) ([]time.Duration, error) {
	names, err := filepath.Glob(filepath.Join(dir, "times.*"))
	if err != nil {
		return nil, fmt.Errorf("find pgbench's logs: %w", err)
	}
	var times []time.Duration
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // in a folder of ours
		if err != nil {
			return nil, fmt.Errorf("read pgbench's log: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			columns := strings.Fields(line)
			if len(columns) < 3 {
				return nil, fmt.Errorf("read pgbench's log: %q", line)
			}
			microseconds, err := strconv.ParseInt(columns[2], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read pgbench's log: %w", err)
			}
			times = append(times, time.Duration(microseconds)*time.Microsecond)
		}
	}
	slices.Sort(times)
	return times, nil
}
