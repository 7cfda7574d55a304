// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"reporting/tools/faults/servers"
)

func scaleFaults() []fault {
	return []fault{
		{name: "scale-standby", meet: scaleStandby},
		{name: "scale-throughput", meet: scaleThroughput},
	}
}

// stageOut is the whole of it: three instances behind HAProxy, PgBouncer, a primary and a
// standby from which is read.
type stageOut struct {
	primary, standby *servers.Postgres
	instances        []*servers.Service
	balancer         *servers.Balancer
	pooler           *servers.Pooler
}

// The names under which PgBouncer offers the two.
const (
	offeredPrimary = "reporting_primary"
	offeredStandby = "reporting_standby"
)

func (sc *scene) scaledOut() (out *stageOut, err error) {
	out = &stageOut{}
	if out.primary, out.standby, err = sc.pair(); err != nil {
		return nil, err
	}
	out.pooler, err = sc.pooler(map[string]*servers.Postgres{offeredPrimary: out.primary, offeredStandby: out.standby})
	if err != nil {
		return nil, err
	}
	out.instances, out.balancer, err = sc.several(out.pooler.URL(offeredPrimary, inExec),
		"REPORTING_DATABASE_REPLICA_URL="+out.pooler.URL(offeredStandby, inExec), "REPORTING_USER_RATE=0")
	if err != nil {
		return nil, err
	}
	return out, out.awaitReplica(sc, 1)
}

// awaitReplica waits until all instances read from the standby, or (0) from the primary.
func (out *stageOut) awaitReplica(sc *scene, fresh int) error {
	want := fmt.Sprintf("reporting_db_replica_fresh %d\n", fresh)
	for _, instance := range out.instances {
		var metrics string
		for end := time.Now().Add(wellWithin); !strings.Contains(metrics, want); time.Sleep(50 * time.Millisecond) {
			var err error
			if metrics, err = instance.Metrics(sc.ctx); err != nil {
				return err
			}
			if time.Now().After(end) {
				return fmt.Errorf("an instance does not tell %q", want)
			}
		}
	}
	return nil
}

// readAgain makes sure that the standby is read from again: that all is well is not only
// because all is asked of the primary.
func (out *stageOut) readAgain(sc *scene) {
	if err := out.awaitReplica(sc, 1); err != nil {
		sc.problemf("the standby is not read from again: %v", err)
	}
}

// scaleStandby takes away the standby, which clients shall not notice, and then the
// primary.
func scaleStandby(sc *scene) error {
	out, err := sc.scaledOut()
	if err != nil {
		return err
	}
	const where = "scaled out: "
	if err := sc.run(play{
		what: where + "standby stopped at once; then started again", addr: out.balancer.Addr,
		strike: out.standby.Crash, lasts: 3 * time.Second,
		during: func() error { return out.awaitReplica(sc, 0) },
		mend:   func() error { return errors.Join(out.standby.Start(), out.standby.Await(sc.ctx)) },
		expect: expectation{within: awayWithin},
	}); err != nil {
		return err
	}
	out.readAgain(sc)
	if err := sc.run(play{
		what: where + "standby halted (SIGSTOP); then going on", addr: out.balancer.Addr,
		strike: out.standby.Freeze, lasts: 4 * time.Second, mend: out.standby.Thaw,
		expect: expectation{kinds: []string{"503 transient", "503 timeout"}, within: silentWithin},
	}); err != nil {
		return err
	}
	out.readAgain(sc)
	if err := sc.newJobs(out, where); err != nil {
		return err
	}
	if err := sc.run(play{
		what: where + "primary halted (SIGSTOP); then going on", addr: out.balancer.Addr,
		strike: out.primary.Freeze, lasts: 4 * time.Second, mend: out.primary.Thaw,
		expect: expectation{kinds: []string{"503 transient", "503 timeout"}, within: silentWithin},
	}); err != nil {
		return err
	}
	out.readAgain(sc)
	return sc.run(play{
		what: where + "primary stopped at once; then started again", addr: out.balancer.Addr,
		strike: out.primary.Crash, lasts: 3 * time.Second,
		mend:   func() error { return errors.Join(out.primary.Start(), out.primary.Await(sc.ctx)) },
		expect: expectation{kinds: away, within: awayWithin},
	})
}
