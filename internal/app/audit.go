// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"io"
	"os"

	"reporting/internal/config"
	"reporting/internal/obs"
)

// auditMode lets nobody but the service's own user read who was shown what.
const auditMode = 0o600

// openAudit opens the stream of audit records where the settings say; nil is none.
func (a *App) openAudit(o Options) (*obs.Audit, error) {
	var out io.Writer
	switch where := o.Config.AuditLog; where {
	case "", config.AuditOff:
		return nil, nil //nolint:nilnil // no stream, which obs.Audit knows to be
	case config.AuditStdout:
		out = o.Stdout
	case config.AuditStderr:
		out = o.Stderr
	default:
		file, err := os.OpenFile(where, os.O_APPEND|os.O_CREATE|os.O_WRONLY, auditMode) //nolint:gosec // the operator's choice
		if err != nil {
			return nil, fmt.Errorf("open audit log (REPORTING_AUDIT_LOG): %w", err)
		}
		a.cleanups.add("audit log", stopLimit, func(context.Context) error { return file.Close() })
		out = file
	}
	return obs.NewAudit(out), nil
}
