// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"

	"reporting/tools/faults/servers"
)

const (
	turns     = 5
	turnTime  = 2 * time.Second
	turnConns = 32
)

// scaleThroughput measures what one instance and three answer, in turns, through the
// same balancer, pooler and databases.
func scaleThroughput(sc *scene) error {
	out, err := sc.scaledOut()
	if err != nil {
		return err
	}
	single, err := sc.balancer(out.instances[:1])
	if err != nil {
		return err
	}
	var requests [][]byte
	for n := range users {
		token, err := sc.issuer.Token(userID(n))
		if err != nil {
			return err
		}
		requests = append(requests, stage.Call(out.balancer.Addr, token, stage.JSON, ""))
	}
	one := lane{balancer: single, instances: out.instances[:1]}
	all := lane{balancer: out.balancer, instances: out.instances}
	rounds := turns
	if sc.quick {
		rounds = 1
	}
	for range rounds {
		for _, l := range []*lane{&one, &all} {
			if err := l.turn(sc, out, requests); err != nil {
				return err
			}
		}
	}
	r := row{
		fault: fmt.Sprintf("scaled out: %d clients without pauses", turnConns),
		seen:  fmt.Sprintf("%s/s with one instance, %s/s with three", figures.Count(figures.Median(one.perSecond)), figures.Count(figures.Median(all.perSecond))),
		note: fmt.Sprintf("three instances answered %s times as many as one (median, least and most of the turns). All processes and the clients share %d processors, so that more instances cannot answer more here; %d turns of %v each. "+
			"Processor time of a thousand answers with one instance: %s. With three: %s", figures.Spread(figures.Ratios(all.perSecond, one.perSecond), figures.Decimals(2)),
			runtime.NumCPU(), rounds, turnTime, one.costs(), all.costs()),
	}
	if one.failures+all.failures > 0 {
		r.problems = append(r.problems, fmt.Sprintf("%d calls were refused or failed, such as: %v", one.failures+all.failures, errors.Join(one.failure, all.failure)))
	}
	sc.rowsOut = append(sc.rowsOut, r)
	sc.progressf("%s", r.seen)
	return nil
}

// lane is a way through the stage, and what was measured on it.
type lane struct {
	balancer  *servers.Balancer
	instances []*servers.Service
	perSecond []float64
	costly    [costParts][]float64 // seconds of processor time of a thousand answers
	failures  int
	failure   error
}

// The processes whose processor time is told.
const (
	costService = iota
	costBalancer
	costPooler
	costStandby
	costParts
)

// turn measures for some time.
func (l *lane) turn(sc *scene, out *stageOut, requests [][]byte) error {
	before, err := l.usage(out)
	if err != nil {
		return err
	}
	got, err := load.Run(sc.ctx, load.Plan{Addr: l.balancer.Addr, Requests: requests, Connections: turnConns, Time: turnTime})
	if err != nil {
		return err
	}
	after, err := l.usage(out)
	if err != nil {
		return err
	}
	l.perSecond = append(l.perSecond, got.Throughput())
	for part := range costParts {
		if answers := float64(len(got.OK)); answers > 0 {
			l.costly[part] = append(l.costly[part], (after[part]-before[part]).Seconds()/answers*1000)
		}
	}
	if l.failures += got.Failures + len(got.Refused); got.Failure != nil {
		l.failure = got.Failure
	}
	return nil
}

// usage is what each part has used so far.
func (l *lane) usage(out *stageOut) (total [costParts]time.Duration, err error) {
	add := func(part, pid int) {
		usage, failed := stage.ProcessUsage(pid)
		total[part] += usage.CPU
		err = errors.Join(err, failed)
	}
	for _, instance := range l.instances {
		add(costService, instance.PID())
	}
	add(costBalancer, l.balancer.PID())
	add(costPooler, out.pooler.PID())
	family, failed := stage.FamilyCPU(out.standby.PID())
	total[costStandby] = family
	return total, errors.Join(err, failed)
}

func (l *lane) costs() string {
	names := [costParts]string{costService: "service", costBalancer: "HAProxy", costPooler: "PgBouncer", costStandby: "PostgreSQL"}
	var words []string
	for part, name := range names {
		words = append(words, fmt.Sprintf("%s %s s", name, figures.Decimals(3)(figures.Median(l.costly[part]))))
	}
	return strings.Join(words, ", ")
}
