// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"reporting/internal/config"
	"reporting/internal/doctor"
)

func checkMemory(context.Context) []doctor.Finding {
	return []doctor.Finding{compareMemory(memoryLimit(os.DirFS("/")), debug.SetMemoryLimit(-1))}
}

const unlimited = math.MaxInt64

// memoryLimit returns the lowest limit of the control groups of the process, in bytes. root
// is the root folder.
func memoryLimit(root fs.FS) int64 {
	limit := int64(unlimited)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path, as in 0::/kubepods/pod1 (cgroups(7))
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		top, file := "sys/fs/cgroup", "memory.max"
		if parts[1] != "" { // version 1
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
		}
		// Up to the top, because a container may not see the path.
		for path := filepath.Join("/", parts[2]); ; path = filepath.Dir(path) {
			text, err := fs.ReadFile(root, filepath.Join(top, path, file))
			const none = 1 << 60 // version 1 has about this number for "no limit"
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n < none {
				limit = min(limit, n)
			}
			if path == "/" {
				break
			}
		}
	}
	return limit
}

// compareMemory compares the limit of the container with that of the Go runtime (GOMEMLIMIT).
func compareMemory(container, runtime int64) doctor.Finding {
	switch {
	case container == unlimited:
		return doctor.Pass("the memory of the process is not limited")
	case runtime > container: // also where it is not set
		return doctor.Warn("set GOMEMLIMIT="+strconv.FormatInt(container/10*9>>20, 10)+"MiB, which is nine tenths of the limit",
			"the memory limit is %d MiB, and GOMEMLIMIT is higher or not set: the kernel may kill the process", container>>20)
	}
	return doctor.Pass("GOMEMLIMIT is %d MiB of a limit of %d MiB", runtime>>20, container>>20)
}

// checkAuditLog checks that audit records can be written. It creates no file.
func checkAuditLog(target string) doctor.Finding {
	const remedy = "let the user of the service write there, or correct REPORTING_AUDIT_LOG"
	switch target {
	case config.AuditStdout, config.AuditStderr:
		return doctor.Pass("audit records go to %s", target)
	case config.AuditOff, "":
		return doctor.Warn("set REPORTING_AUDIT_LOG, unless another system records access", "audit records are off")
	}
	file, err := os.OpenFile(target, auditFlags, 0) //nolint:gosec // the operator's choice
	if errors.Is(err, fs.ErrNotExist) {
		const writeAndEnter = 3
		if err := syscall.Access(filepath.Dir(target), writeAndEnter); err != nil {
			return doctor.Fail(remedy, "create the audit file %s: %v", target, err)
		}
		return doctor.Pass("the service will create the audit file %s", target)
	}
	if err != nil {
		return doctor.Fail(remedy, "open the audit file: %v", err)
	}
	defer func() { _ = file.Close() }()
	if mode, open := openToOthers(file); open {
		return doctor.Warn("chmod 600 "+target, "other users can read the audit file %s (%s)", target, mode)
	}
	return doctor.Pass("the service can write the audit file %s", target)
}

// checkTempDir writes a file where reports keep what they count.
func checkTempDir(context.Context) []doctor.Finding {
	file, err := os.CreateTemp("", "reporting-doctor-")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return []doctor.Finding{doctor.Fail("mount a writable folder on /tmp, or name one in TMPDIR", "reports cannot be made: the temporary folder cannot be written to: %v", err)}
	}
	return []doctor.Finding{doctor.Pass("the temporary folder %s is writable", os.TempDir())}
}
