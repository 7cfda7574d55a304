// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
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
	"reporting/internal/postgres"
)

// machine checks what the machine gives: addresses, files, memory.
func (o DoctorOptions) machine() []doctor.Check {
	c := o.Config
	var metadata string
	if c.BaseURL != nil {
		metadata = "http://" + config.Reachable(c.Listen) + c.BaseURL.Path + "/metadata"
	}
	operations := func(ctx context.Context) doctor.Finding {
		return address(ctx, "operations", "REPORTING_OPS_LISTEN", c.OpsListen, func(ctx context.Context) (string, bool) {
			return askMetrics(ctx, "http://"+config.Reachable(c.OpsListen)+"/metrics")
		})
	}
	ofMemory := func() doctor.Finding {
		most, found := memoryLimit(os.DirFS("/"))
		return memory(most, found, debug.SetMemoryLimit(-1))
	}
	if o.Worker {
		return []doctor.Check{
			{Area: "addresses", Run: func(ctx context.Context) []doctor.Finding { return []doctor.Finding{operations(ctx)} }},
			{Area: "limits", Run: func(context.Context) []doctor.Finding { return []doctor.Finding{ofMemory()} }},
		}
	}
	return []doctor.Check{
		{Area: "addresses", Run: func(ctx context.Context) []doctor.Finding {
			return []doctor.Finding{address(ctx, "API", "REPORTING_LISTEN", c.Listen, func(ctx context.Context) (string, bool) {
				about, err := askMetadata(ctx, metadata)
				return about.version, err == nil && about.ours
			}), operations(ctx)}
		}},
		{Area: "limits", Run: func(context.Context) []doctor.Finding { return []doctor.Finding{o.files(), ofMemory()} }},
		{Area: "audit", Run: func(context.Context) []doctor.Finding { return []doctor.Finding{auditPlace(c.AuditLog)} }},
	}
}

// address looks whether a listener could have its address. running asks whoever has it for
// the version of this software.
func address(ctx context.Context, name, setting, address string, running func(context.Context) (version string, ours bool)) doctor.Finding {
	l, err := take(ctx, nil, name, address, setting)
	if err == nil {
		_ = l.Close()
		return doctor.Good("the %s address %s is free", name, address)
	}
	if inUse, ok := errors.AsType[inUseError](err); ok {
		if version, ours := running(ctx); ours {
			return doctor.Good("the %s address %s is taken by a service of this kind that runs (version %s)", name, address, version)
		}
		return doctor.Bad("stop what uses it, or choose another with "+inUse.setting, "the %s address %s is in use", name, address)
	}
	return doctor.Bad("correct "+setting, "%v", err)
}

// files compares connections with the files that the process may open.
func (o DoctorOptions) files() doctor.Finding {
	if o.Config.MaxConnections < leastConnections {
		return doctor.Finding{Result: doctor.NotRun, Text: "REPORTING_MAX_CONNECTIONS is not usable"}
	}
	others := 0
	for _, url := range []config.Secret{o.Config.DatabaseURL, o.Config.DatabaseReplicaURL} {
		if n, err := postgres.Connections(string(url)); url != "" && err == nil {
			others += n
		}
	}
	most, err := roomFor(o.Config.MaxConnections, others)
	switch {
	case err != nil:
		return doctor.Bad("raise the limit of open files (ulimit -n)", "%v", err)
	case most < o.Config.MaxConnections:
		return doctor.Doubt("raise it, or lower REPORTING_MAX_CONNECTIONS", "%s: there will be %d", fewerConnections, most)
	}
	return doctor.Good("as many files may be opened as REPORTING_MAX_CONNECTIONS (%d) takes", o.Config.MaxConnections)
}

// memoryLimit is how many bytes the groups that the process belongs to may use, the least
// of them. root is the root folder.
func memoryLimit(root fs.FS) (limit int64, found bool) {
	limit = math.MaxInt64
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
		// Up to the top: in a container the path may be one that is not seen there.
		for path := filepath.Join("/", parts[2]); ; path = filepath.Dir(path) {
			text, err := fs.ReadFile(root, filepath.Join(top, path, file))
			const none = 1 << 60 // what version 1 says where there is no limit, about
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n < none {
				limit, found = min(limit, n), true
			}
			if path == "/" {
				break
			}
		}
	}
	return limit, found
}

// memory compares the container's limit with the one that Go keeps to (GOMEMLIMIT).
func memory(limit int64, limited bool, ours int64) doctor.Finding {
	const unset = math.MaxInt64
	mend := fmt.Sprintf("set GOMEMLIMIT to nine tenths of it, %dMiB", limit/10*9>>20)
	switch {
	case !limited && ours == unset:
		return doctor.Good("memory is not limited for this process alone")
	case !limited:
		return doctor.Good("GOMEMLIMIT is %d MiB", ours>>20)
	case ours == unset:
		return doctor.Doubt(mend, "memory is limited to %d MiB, which Go does not know: near it the process is killed", limit>>20)
	case ours > limit:
		return doctor.Bad(mend, "GOMEMLIMIT is %d MiB, and memory is limited to %d MiB", ours>>20, limit>>20)
	case ours > limit/100*95:
		return doctor.Doubt(mend, "GOMEMLIMIT is %d MiB, which leaves little of the limit of %d MiB for what it does not count", ours>>20, limit>>20)
	}
	return doctor.Good("GOMEMLIMIT is %d MiB of the %d MiB that there may be", ours>>20, limit>>20)
}

// auditPlace looks whether audit records can be written, without making a file.
func auditPlace(where string) doctor.Finding {
	const mend = "let the service's user write there, or correct REPORTING_AUDIT_LOG"
	switch where {
	case config.AuditStdout, config.AuditStderr:
		return doctor.Good("audit records go to %s", where)
	case config.AuditOff, "":
		return doctor.Doubt("set REPORTING_AUDIT_LOG, unless something else notes it", "nobody notes who was shown what: audit records are off")
	}
	file, err := os.OpenFile(where, auditFlags, 0) //nolint:gosec // the operator's choice
	if errors.Is(err, fs.ErrNotExist) {
		const writeAndEnter = 3
		folder := filepath.Dir(where)
		if err := syscall.Access(folder, writeAndEnter); err != nil {
			return doctor.Bad(mend, "there is no audit file %s, and none can be made: %v", where, err)
		}
		return doctor.Good("the audit file %s will be made", where)
	}
	if err != nil {
		return doctor.Bad(mend, "audit records cannot be written: %v", err)
	}
	defer func() { _ = file.Close() }()
	if mode, open := openToOthers(file); open {
		return doctor.Doubt("chmod 600 "+where, "%s: %s (%s)", auditOpen, where, mode)
	}
	return doctor.Good("the audit file %s can be written", where)
}
