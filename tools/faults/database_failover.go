// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"reporting/tools/faults/servers"
)

// databaseFailover has a primary and a streaming standby in the connection string, and
// takes away the one and the other.
func databaseFailover(sc *scene) error {
	primary, standby, err := sc.pair()
	if err != nil {
		return err
	}
	hosts := func(attributes string) string {
		return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d,127.0.0.1:%d/%s?sslmode=disable&target_session_attrs=%s",
			servers.Reader, primary.Password(), primary.Port, standby.Port, database, attributes)
	}
	// Where a standby will do, all is well while one of the two is down, without anybody's help.
	for _, tt := range []struct {
		attributes, down string
		victim           *servers.Postgres
	}{
		{"any", "primary", primary},
		{"prefer-standby", "standby", standby},
	} {
		service, err := sc.ready(hosts(tt.attributes))
		if err != nil {
			return err
		}
		if err := sc.run(play{
			what: fmt.Sprintf("two hosts, target_session_attrs=%s: %s stopped at once, for good", tt.attributes, tt.down), addr: service.Addr,
			mend: tt.victim.Crash, expect: expectation{kinds: away, within: awayWithin},
		}); err != nil {
			return err
		}
		if err := tt.victim.Start(); err != nil {
			return err
		}
		if err := tt.victim.Await(sc.ctx); err != nil {
			return err
		}
	}
	service, err := sc.ready(hosts("read-write"))
	if err != nil {
		return err
	}
	return sc.run(play{
		what: "two hosts, target_session_attrs=read-write: primary stopped at once, standby promoted 2 s later", addr: service.Addr,
		strike: primary.Crash, lasts: 2 * time.Second,
		mend:   func() error { return standby.Promote(sc.ctx) },
		expect: expectation{kinds: away, hurts: true, within: awayWithin},
	})
}

// pair starts a primary with the jobs, and a standby that has caught up.
func (sc *scene) pair() (primary, standby *servers.Postgres, err error) {
	if primary, err = servers.NewPostgres(sc.ctx, sc.programs, filepath.Join(sc.dir, sc.name+"-primary")); err != nil {
		return nil, nil, err
	}
	sc.later(primary.Crash)
	if err := sc.fill(sc.ctx, primary); err != nil {
		return nil, nil, err
	}
	if standby, err = primary.Standby(sc.ctx, filepath.Join(sc.dir, sc.name+"-standby")); err != nil {
		return nil, nil, err
	}
	sc.later(standby.Crash)
	return primary, standby, standby.CaughtUp(sc.ctx, primary)
}
