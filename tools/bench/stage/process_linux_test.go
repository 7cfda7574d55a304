// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"testing"
)

// This process has used some of both, and its peak can be no less than what it has.
func TestProcessUsage(t *testing.T) {
	t.Parallel()
	got, err := ProcessUsage(os.Getpid())
	if err != nil || got.Memory <= 0 || got.Peak < got.Memory {
		t.Errorf("%+v: %v", got, err)
	}
	family, err := FamilyCPU(os.Getpid())
	if err != nil || family < got.CPU {
		t.Errorf("the family %v, this process %v: %v", family, got.CPU, err)
	}
	if _, err := ProcessUsage(1 << 30); err == nil {
		t.Error("a process that does not exist is looked at")
	}
}
