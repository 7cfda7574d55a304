// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"reporting/tools/faults/servers"
)

func poolerFaults() []fault {
	return []fault{
		{name: "pooler-exec", meet: poolerExec},
		{name: "pooler-default", meet: poolerDefault},
		{name: "pooler-new", meet: poolerNew, extra: true},
	}
}

// inExec is what connection strings need behind a pooler that loses prepared statements.
const inExec = "default_query_exec_mode=exec"

func (sc *scene) pooler(databases map[string]*servers.Postgres, settings ...string) (*servers.Pooler, error) {
	p, err := servers.NewPooler(sc.ctx, servers.PoolerOptions{
		Dir: sc.dir, Databases: databases, Database: database, Settings: settings,
	})
	if err != nil {
		return nil, err
	}
	sc.later(p.Stop)
	return p, nil
}

// poolerExec has calls, failing statements and a restart of the database behind a
// PgBouncer in transaction mode, with connections that prepare nothing.
func poolerExec(sc *scene) error {
	pooler, err := sc.pooler(map[string]*servers.Postgres{database: sc.primary})
	if err != nil {
		return err
	}
	service, err := sc.ready(pooler.URL(database, inExec))
	if err != nil {
		return err
	}
	return behindPooler(sc, service, "PgBouncer "+pooler.Version+", exec mode")
}

// behindPooler is what has to go well behind any pooler.
func behindPooler(sc *scene, service *servers.Service, where string) error {
	long, err := sc.long()
	if err != nil {
		return err
	}
	ordinary, err := sc.ordinary()
	if err != nil {
		return err
	}
	grant := func(verb string) func() error {
		return func() error { return sc.primary.Exec(sc.ctx, database, verb+" reporting_reader") }
	}
	return errors.Join(
		sc.run(play{what: where + ": short and long lists", addr: service.Addr, callers: append(long, ordinary...), lasts: 2 * time.Second}),
		sc.run(play{
			what: where + ": statements that fail, for a missing right", addr: service.Addr, lasts: time.Second,
			strike: grant("revoke select on report_job from"), mend: grant("grant select on report_job to"),
			expect: expectation{kinds: []string{"500 exception"}, hurts: true},
		}),
		sc.run(play{
			what: where + ": the database behind it restarted", addr: service.Addr, strike: sc.primary.Stop, lasts: time.Second,
			mend:   sc.primary.Start,
			expect: expectation{kinds: append([]string{"503 timeout"}, away...), hurts: true, within: silentWithin},
		}),
	)
}

// poolerDefault has the service prepare statements, which this PgBouncer loses. Under load
// that fails now and then, so it has to say so before.
func poolerDefault(sc *scene) error {
	pooler, err := sc.pooler(map[string]*servers.Postgres{database: sc.primary})
	if err != nil {
		return err
	}
	service, err := sc.service(pooler.URL(database, ""))
	if err != nil {
		return err
	}
	r := row{fault: "PgBouncer " + pooler.Version + ", nothing set: not ready, and why", seen: "nobody is sent there"}
	if err := service.AwaitNotReady(sc.ctx, "default_query_exec_mode"); err != nil {
		r.seen, r.problems = "errors now and then", []string{"/readyz does not tell: " + err.Error()}
	}
	sc.rowsOut = append(sc.rowsOut, r)
	return nil
}

// poolerNew is a PgBouncer that keeps track of prepared statements.
func poolerNew(sc *scene) error {
	if sc.newPooler == "" {
		return errors.New("it takes -pgbouncer FOLDER")
	}
	pooler, err := servers.NewPooler(sc.ctx, servers.PoolerOptions{
		Dir: sc.dir, Databases: map[string]*servers.Postgres{database: sc.primary}, Database: database,
		System: sc.newPooler, Settings: []string{"max_prepared_statements = 200"},
	})
	if err != nil {
		return err
	}
	sc.later(pooler.Stop)
	service, err := sc.ready(pooler.URL(database, ""))
	if err != nil {
		return err
	}
	return behindPooler(sc, service, fmt.Sprintf("PgBouncer %s, max_prepared_statements", pooler.Version))
}
