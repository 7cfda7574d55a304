// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/doctor"
)

// WorkerExamination checks a database for processes with workers. It changes nothing in it.
type WorkerExamination struct {
	Setting     string // the variable that holds URL
	URL         string // valid as of CheckURL
	OrdersURL   string // the database that orders go to; empty: not known
	Connections int    // the most that a process opens
	Now         func() time.Time
}

// Check returns the only check.
func (e WorkerExamination) Check() doctor.Check {
	return doctor.Check{Area: "workers", Run: e.run}
}

func (e WorkerExamination) run(ctx context.Context) (findings []doctor.Finding) {
	pool, err := OpenAs(ctx, e.URL, WorkerRole, 1)
	if err != nil {
		return []doctor.Finding{doctor.Fail("correct "+e.Setting, "the connection string is %v", err)}
	}
	defer func() { _ = pool.Close(context.WithoutCancel(ctx)) }()
	if err := pool.CheckWorker(ctx); err != nil {
		d, ok := errors.AsType[Diagnostic](err)
		if !ok {
			d = Diagnostic{err.Error(), "check that this machine reaches the server, and " + e.Setting}
		}
		return []doctor.Finding{doctor.Fail(d.Remedy, "%s", d.Problem)}
	}
	findings = []doctor.Finding{doctor.Pass("the workers' login may act as %s", WorkerRole)}
	conn, err := pool.pgx.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		var more []doctor.Finding
		more, err = e.examine(ctx, conn.Conn())
		findings = append(findings, more...)
	}
	if err != nil {
		findings = append(findings, doctor.Fail("see the log of the server, and what the check waits for (pg_stat_activity)", "a query of the check failed: %s", detail(err)))
	}
	return findings
}

func (e WorkerExamination) examine(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	facts, err := readServer(ctx, conn, e.Now)
	if err != nil {
		return nil, err
	}
	findings := []doctor.Finding{
		doctor.Clock("the workers' database", facts.clock, facts.before, facts.after),
		facts.room(e.Connections, "raise the limit of the server or the role, or lower REPORTING_WORKERS"),
	}
	if facts.standby {
		findings = append(findings, doctor.Fail("name the primary in "+e.Setting, "the workers' server is a standby, which cannot be written"))
	}
	if behindPooler(conn, facts.session) {
		findings = append(findings, doctor.Warn(connectDirectly, "a pooler is between the workers and the server"))
	}
	privileges, err := checkGrants(ctx, conn, WorkerRole)
	if err != nil {
		return findings, err
	}
	return append(append(findings, privileges), e.sameDatabase(ctx, conn)...), nil
}

// sameDatabase checks that the workers' database is the one that orders go to. It returns
// nothing when that one cannot be read, which other checks report.
func (e WorkerExamination) sameDatabase(ctx context.Context, conn *pgx.Conn) []doctor.Finding {
	const identity = `select current_database() || ' ' || system_identifier from pg_control_system()`
	var workers, orders string
	if e.OrdersURL == "" || e.OrdersURL == e.URL || conn.QueryRow(ctx, identity).Scan(&workers) != nil {
		return nil
	}
	pool, err := Open(ctx, e.OrdersURL, 1)
	if err != nil {
		return nil
	}
	defer func() { _ = pool.Close(context.WithoutCancel(ctx)) }()
	if pool.pgx.QueryRow(ctx, identity, pgx.QueryExecModeExec).Scan(&orders) != nil {
		return nil
	}
	if orders != workers {
		return []doctor.Finding{doctor.Fail("name the same database in REPORTING_DATABASE_URL and "+e.Setting, "workers use another database than orders")}
	}
	return []doctor.Finding{doctor.Pass("workers use the database of orders")}
}
