// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/internal/doctor"
)

// WorkerExamination looks at a database as processes that make reports would use it, and
// changes nothing in it.
type WorkerExamination struct {
	Setting string // the variable that holds URL
	URL     string // as of CheckURL
	Other   string // what everything else connects with, for comparison; empty: nothing does
	// Connections is how many sessions a process has at most.
	Connections int
	Now         func() time.Time
}

const workersArea = "workers"

// Check is the only one.
func (e WorkerExamination) Check() doctor.Check {
	return doctor.Check{Area: workersArea, Run: e.run}
}

func (e WorkerExamination) run(ctx context.Context) []doctor.Finding {
	pool, err := OpenAs(ctx, e.URL, WorkerRole, 1)
	if err != nil {
		return []doctor.Finding{doctor.Bad("correct "+e.Setting, "the connection string is %v", err)}
	}
	defer func() { _ = pool.Close(context.WithoutCancel(ctx)) }()
	if err := pool.CheckWorker(ctx); err != nil {
		t, ok := errors.AsType[Diagnostic](err)
		if !ok {
			t = Diagnostic{err.Error(), "see that the server can be reached, and correct " + e.Setting}
		}
		return []doctor.Finding{doctor.Bad(t.Remedy, "%s", t.Problem)}
	}
	found := []doctor.Finding{doctor.Good("the workers' login may act as %s, which makes reports", WorkerRole)}
	conn, err := pool.pgx.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		var more []doctor.Finding
		more, err = e.ask(ctx, conn.Conn())
		found = append(found, more...)
	}
	if err != nil {
		found = append(found, doctor.Bad("see what it waits for or refuses (pg_stat_activity, its log)", "the database did not tell all that was asked: %s", why(err)))
	}
	return found
}

type workerFacts struct {
	standby            bool
	queue              int // version of its schema
	connections, limit int // of the server; of the login, below zero: as many
	name               string
	login              string
	clock              time.Time
}

func (e WorkerExamination) ask(ctx context.Context, conn *pgx.Conn) (found []doctor.Finding, err error) {
	var f workerFacts
	before := e.Now()
	if err := conn.QueryRow(ctx, `
		select pg_is_in_recovery(), (select coalesce(max(version), 0) from river_migration where line = 'main'),
		       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, r.rolconnlimit,
		       `+whichDatabase+`, session_user, clock_timestamp()
		  from pg_roles r where r.rolname = session_user`).
		Scan(&f.standby, &f.queue, &f.connections, &f.limit, &f.name, &f.login, &f.clock); err != nil {
		return nil, err
	}
	after := e.Now()
	if f.standby {
		found = append(found, doctor.Bad("name the primary in "+e.Setting, "the workers' server is a standby: nothing can be written there"))
	}
	if f.queue < queueSchema {
		found = append(found, doctor.Bad(`run "reporting migrate"`, "the queue's schema has version %d, and %d is needed", f.queue, queueSchema))
	} else {
		found = append(found, doctor.Good("the queue's schema has version %d", f.queue))
	}
	pooling, err := askPooling(ctx, conn)
	switch {
	case err != nil && conn.IsClosed():
		return found, err
	case pooling == Direct:
		found = append(found, doctor.Good("no pooler stands between workers and the database"))
	case pooling == SessionPooling:
		found = append(found, doctor.Doubt(connectDirectly, "a pooler stands between workers and the database: each worker keeps sessions for good"))
	default:
		found = append(found, doctor.Bad(connectDirectly, "a pooler that shares sessions stands between workers and the database: what wakes workers does not come through"))
	}
	found = append(found, e.room(f), doctor.Clock("the workers' database", f.clock, before, after))
	return append(found, e.same(ctx, f)...), nil
}

func (e WorkerExamination) room(f workerFacts) doctor.Finding {
	most := f.connections
	if f.limit >= 0 {
		most = min(most, f.limit)
	}
	if e.Connections > most {
		return doctor.Bad("raise the limit (the server's, or alter role … connection limit), or lower REPORTING_WORKERS",
			"a process with workers opens up to %d connections, and its login may have %d", e.Connections, most)
	}
	return doctor.Good("a process with workers opens up to %d connections, and its login may have %d", e.Connections, most)
}

// whichDatabase is the same for two connections to one database, and differs elsewhere,
// as far as a login that is no superuser may know.
const whichDatabase = `current_database() || ' ' || (select system_identifier from pg_control_system())`

// same looks whether the workers' database is the one that orders go to.
func (e WorkerExamination) same(ctx context.Context, f workerFacts) []doctor.Finding {
	if e.Other == "" {
		return nil
	}
	if e.Other == e.URL {
		return []doctor.Finding{doctor.Doubt("give workers a login of their own, in reporting_worker alone (REPORTING_WORKER_DATABASE_URL)",
			"the service and its workers share the login %s, so that who gets hold of the service's reads and writes all users' reports", f.login)}
	}
	config, err := parse(e.Other)
	if err != nil {
		return nil // which is told elsewhere
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil // the same
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var name string
	if err := conn.QueryRow(ctx, "select "+whichDatabase).Scan(&name); err != nil {
		return nil
	}
	if name != f.name {
		return []doctor.Finding{doctor.Bad("name the same database in REPORTING_DATABASE_URL and "+e.Setting,
			"workers look for jobs in another database than that which orders go to")}
	}
	return []doctor.Finding{doctor.Good("workers look for jobs in the database which orders go to")}
}
