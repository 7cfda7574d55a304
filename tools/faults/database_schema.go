// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"reporting/tools/faults/calls"
	"reporting/tools/faults/servers"
)

// databaseEmpty begins with a database that nobody has migrated.
func databaseEmpty(sc *scene) error {
	const empty = "empty"
	if err := sc.primary.Exec(sc.ctx, "postgres", "create database "+empty); err != nil {
		return err
	}
	service, err := sc.service(sc.primary.URL(servers.Reader, empty, 0))
	if err != nil {
		return err
	}
	sc.later(func() error { return sc.primary.Exec(sc.ctx, "postgres", "drop database "+empty+" with (force)") })
	if err := service.AwaitNotReady(sc.ctx, `run "reporting migrate"`); err != nil {
		return err
	}
	callers, err := sc.ordinary()
	if err != nil {
		return err
	}
	for n := range callers {
		whole, none := callers[n].Right, calls.Exactly(userID(n), 0)
		callers[n].Right = func(body []byte) error {
			if none(body) == nil {
				return nil // the schema is there a moment before the jobs are
			}
			return whole(body)
		}
	}
	return sc.run(play{
		what: "no schema; then \"reporting migrate\"", addr: service.Addr, callers: callers, broken: true, lasts: 2 * time.Second,
		mend: func() error {
			if err := servers.Migrate(sc.ctx, sc.program, sc.primary.SuperURL(empty)); err != nil {
				return err
			}
			if err := sc.primary.Exec(sc.ctx, empty, insertOrdinary()); err != nil {
				return err
			}
			return service.AwaitReady(sc.ctx)
		},
		expect: expectation{kinds: []string{"500 exception"}, hurts: true},
	})
}
