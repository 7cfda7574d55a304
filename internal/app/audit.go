// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"

	"reporting/internal/config"
	"reporting/internal/telemetry"
)

// auditMode lets only the service's own user read the audit log.
const auditMode = 0o600

// auditFlags open the file for appending. O_NONBLOCK makes a pipe without a reader an error;
// otherwise the start would wait for one.
const auditFlags = os.O_APPEND | os.O_WRONLY | syscall.O_NONBLOCK

// openAudit opens the audit log of REPORTING_AUDIT_LOG. It returns nil when audit records are off.
func (a *App) openAudit(ctx context.Context, o Options) (*telemetry.Audit, error) {
	var out io.Writer
	switch where := o.Config.AuditLog; where {
	case "", config.AuditOff:
		return nil, nil //nolint:nilnil // a nil Audit writes no records
	case config.AuditStdout:
		out = o.Stdout
	case config.AuditStderr:
		out = o.Stderr
	default:
		file, err := a.openAuditFile(ctx, where)
		if err != nil {
			return nil, fmt.Errorf("open audit log (REPORTING_AUDIT_LOG): %w", err)
		}
		out = file
	}
	audit := telemetry.NewAudit(out, a.log, a.metrics)
	a.cleanups.add("audit", stopLimit, audit.Close)
	return audit, nil
}

func (a *App) openAuditFile(ctx context.Context, name string) (*os.File, error) {
	file, err := os.OpenFile(name, auditFlags|os.O_CREATE, auditMode) //nolint:gosec // the operator's choice
	if err != nil {
		return nil, err
	}
	a.cleanups.add("audit file", stopLimit, func(context.Context) error { return file.Close() })
	if mode, open := openToOthers(file); open {
		a.log.WarnContext(ctx, "audit log is readable by other users: restrict its permissions", "file", name, "mode", mode.String())
	}
	return file, nil
}

// openToOthers reports whether a regular file gives permissions to users other than its owner.
func openToOthers(file *os.File) (mode os.FileMode, open bool) {
	info, err := file.Stat()
	if err != nil {
		return 0, false
	}
	return info.Mode(), info.Mode().IsRegular() && info.Mode().Perm()&^auditMode != 0
}
