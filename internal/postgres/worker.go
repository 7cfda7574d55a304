// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/worker/queue"
)

const workerCheckTimeout = 5 * time.Second

// connectDirectly is the remedy for a pooler that changes sessions.
const connectDirectly = "connect directly and not through a pooler (REPORTING_WORKER_DATABASE_URL)"

// CheckWorker returns nil if the sessions of the pool can run attempts, and otherwise an
// error for operators, with the remedy.
func (p *Pool) CheckWorker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, workerCheckTimeout)
	defer cancel()
	var role string
	var migrated bool
	err := p.pgx.QueryRow(ctx, `
		select current_user::text, to_regclass('report_attempt') is not null and exists (
		       select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = 'river_job')`,
		queue.Schema).Scan(&role, &migrated)
	switch {
	case err != nil:
		return explainWorker(err)
	case role != WorkerRole:
		return Diagnostic{fmt.Sprintf("sessions act as %q and not as %s", role, WorkerRole), connectDirectly}
	case !migrated:
		return Diagnostic{"the database has no tables for workers", `run "reporting migrate"`}
	}
	return nil
}

func explainWorker(err error) error {
	pg, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered:
		return fmt.Errorf("connect workers to the database: %w", urlError(err))
	case pg.Code == "22023" || pg.Code == "42704": // invalid_parameter_value, undefined_object
		return Diagnostic{"the role " + WorkerRole + " does not exist", `run "reporting migrate"`}
	case pg.Code == "42501": // insufficient_privilege
		return Diagnostic{"the workers' login may not act as " + WorkerRole, "grant " + WorkerRole + " to it"}
	case pg.Code == "08P01": // protocol_violation: PgBouncer refuses an option that it does not know
		return Diagnostic{"a pooler refuses the role of the workers", connectDirectly}
	}
	return fmt.Errorf("connect workers to the database: %s (SQL state %s)", pg.Message, pg.Code)
}
