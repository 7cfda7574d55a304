// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"reporting/tools/faults/servers"
)

func databaseFaults() []fault {
	return []fault{
		{name: "database-down", meet: databaseDown},
		{name: "database-frozen", meet: databaseFrozen},
		{name: "database-slow", meet: databaseSlow},
		{name: "database-cut", meet: databaseCut},
		{name: "database-connections", meet: databaseConnections},
		{name: "database-empty", meet: databaseEmpty},
		{name: "database-disk", meet: databaseDisk},
		{name: "database-failover", meet: databaseFailover},
	}
}

// away is what callers hear when the database is away.
var away = []string{"503 transient"}

// databaseDown stops it as a crash does, and starts it again.
func databaseDown(sc *scene) error {
	service, err := sc.ready(sc.primary.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	return sc.run(play{
		what: "database stopped at once, and started again", addr: service.Addr,
		strike: sc.primary.Crash, lasts: 3 * time.Second,
		during: func() error { return service.AwaitNotReady(sc.ctx, "database") },
		mend:   func() error { return sc.primary.Start() },
		expect: expectation{kinds: away, hurts: true, within: awayWithin},
	})
}

// databaseFrozen halts all of its processes: connections stay, and nobody answers.
func databaseFrozen(sc *scene) error {
	service, err := sc.ready(sc.primary.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	sc.later(sc.primary.Thaw)
	return sc.run(play{
		what: "database halted (SIGSTOP), and going on", addr: service.Addr,
		strike: sc.primary.Freeze, lasts: 6 * time.Second,
		during: func() error { return service.AwaitNotReady(sc.ctx, "in time") },
		mend:   sc.primary.Thaw,
		expect: expectation{kinds: []string{"503 transient", "503 timeout"}, hurts: true, within: silentWithin},
	})
}

// databaseSlow makes its answers late: first a little, then more than the limit.
func databaseSlow(sc *scene) error {
	damage, service, err := sc.damaged()
	if err != nil {
		return err
	}
	mend := func() error { damage.Mend(sc.ctx); return nil }
	if err := sc.run(play{
		what: "database 300 ms away", addr: service.Addr,
		strike: func() error { return damage.Slow(300) }, lasts: 4 * time.Second, mend: mend,
	}); err != nil {
		return err
	}
	return sc.run(play{
		what: "database 3 s away, above the limit", addr: service.Addr,
		strike: func() error { return damage.Slow(3000) }, lasts: 6 * time.Second, mend: mend,
		expect: expectation{kinds: []string{"503 transient", "503 timeout"}, hurts: true, within: silentWithin},
	})
}
