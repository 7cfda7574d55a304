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

// auditMode lets only the user of the service read the audit file.
const auditMode = 0o600

// auditFlags make opening a pipe without a reader an error. Otherwise the start would block.
const auditFlags = os.O_APPEND | os.O_WRONLY | syscall.O_NONBLOCK

// openAudit opens the stream of audit records where the settings say; nil is none.
func (a *App) openAudit(ctx context.Context, o Options) (*telemetry.Audit, error) {
	var out io.Writer
	switch where := o.Config.AuditLog; where {
	case "", config.AuditOff:
		return nil, nil //nolint:nilnil // no stream, which obs.Audit knows to be
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
		a.log.WarnContext(ctx, auditOpen, "file", name, "mode", mode.String())
	}
	return file, nil
}

const auditOpen = "the audit file was there already and can be read by others"

// openToOthers tells whether a file can be read by others than its owner.
func openToOthers(file *os.File) (mode os.FileMode, open bool) {
	info, err := file.Stat()
	if err != nil {
		return 0, false
	}
	return info.Mode(), info.Mode().IsRegular() && info.Mode().Perm()&^auditMode != 0
}
