// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// OpenAs is Open for sessions that act as a role, whatever the connection string says.
func OpenAs(ctx context.Context, connString, role string, maxConns int32) (*Pool, error) {
	config, err := parse(connString)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["role"] = role
	config.MaxConns = maxConns
	return open(ctx, config)
}

// Sessions are the connections themselves, for what brings its own SQL: the queue.
func (p *Pool) Sessions() *pgxpool.Pool { return p.pgx }

const workerCheckTimeout = 5 * time.Second

// connectDirectly is what to do where something changes sessions on their way.
const connectDirectly = "connect directly and not through a pooler (REPORTING_WORKER_DATABASE_URL)"

// CheckWorker tells whether the sessions of the pool can make reports, and if not, what to
// do, in words that an operator may see.
func (p *Pool) CheckWorker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, workerCheckTimeout)
	defer cancel()
	required, err := requiredVersion()
	if err != nil {
		return err
	}
	conn, err := p.pgx.Acquire(ctx)
	if err != nil {
		return explainWorker(err)
	}
	defer conn.Release()
	var role string
	if err := conn.QueryRow(ctx, `select current_user::text`).Scan(&role); err != nil {
		return explainWorker(err)
	}
	if role != WorkerRole {
		return Diagnostic{fmt.Sprintf("sessions act as %q and not as %s", role, WorkerRole), connectDirectly}
	}
	var queue bool
	if err := conn.QueryRow(ctx, `select to_regclass('river_job') is not null and to_regclass('report_attempt') is not null`).Scan(&queue); err != nil {
		return explainWorker(err)
	}
	if !queue {
		return Diagnostic{fmt.Sprintf("the schema is not at version %d", required), `run "reporting migrate"`}
	}
	return nil
}

func explainWorker(err error) error {
	pg, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered:
		return fmt.Errorf("workers cannot reach the database: %w", urlError(err))
	case pg.Code == "22023" || pg.Code == "42704": // invalid_parameter_value, undefined_object
		return Diagnostic{"there is no role " + WorkerRole, `run "reporting migrate"`}
	case pg.Code == "42501": // insufficient_privilege
		return Diagnostic{"the workers' login may not act as " + WorkerRole, "grant " + WorkerRole + " to it"}
	case pg.Code == "08P01": // protocol_violation: what PgBouncer says of an option that it does not pass on
		return Diagnostic{"something between the workers and the database refuses to set their role", connectDirectly}
	}
	return fmt.Errorf("workers cannot use the database: %s (%s)", pg.Message, pg.Code)
}
