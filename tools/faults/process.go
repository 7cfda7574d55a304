// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"reporting/tools/faults/servers"
)

func processFaults() []fault {
	return []fault{
		{name: "process-sigterm", meet: processTerm},
		{name: "process-sigkill", meet: processKill},
		{name: "process-rolling", meet: processRolling},
	}
}

// shutdownDelay gives whoever looks at readiness the time to see it.
const shutdownDelay = "REPORTING_SHUTDOWN_DELAY=1s"

// processTerm stops an instance in order, and starts it again, while clients look at its
// readiness before they call.
func processTerm(sc *scene) error {
	service, err := sc.ready(sc.primary.URL(servers.Reader, database, 0), shutdownDelay)
	if err != nil {
		return err
	}
	return sc.run(play{
		what: "SIGTERM to the only instance, clients that heed /readyz; then started again", to: sc.heeding(service),
		strike: service.Stop, mend: service.Start,
	})
}

// heeding is the address of a service while it is ready, which is looked at all the time.
func (sc *scene) heeding(service *servers.Service) func() string {
	ctx, cancel := context.WithCancel(sc.ctx)
	sc.later(func() error { cancel(); return nil })
	var ready atomic.Bool
	go func() {
		for ctx.Err() == nil {
			ok, _, err := service.Readiness(ctx)
			ready.Store(ok && err == nil)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return func() string {
		if ready.Load() {
			return service.Addr
		}
		return ""
	}
}

// instances is how many stand behind a balancer.
const instances = 3

// several starts instances and a balancer before them, and waits until all take part.
func (sc *scene) several(url string, settings ...string) (list []*servers.Service, balancer *servers.Balancer, err error) {
	for range instances {
		service, err := sc.ready(url, append([]string{shutdownDelay}, settings...)...)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, service)
	}
	balancer, err = sc.balancer(list)
	return list, balancer, err
}

func (sc *scene) balancer(list []*servers.Service) (*servers.Balancer, error) {
	balancer, err := servers.NewBalancer(sc.ctx, sc.dir, list)
	if err != nil {
		return nil, err
	}
	sc.later(balancer.Stop)
	return balancer, nil
}

// processKill kills one of three instances, and starts it again.
func processKill(sc *scene) error {
	list, balancer, err := sc.several(sc.primary.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	return sc.run(play{
		what: "SIGKILL to one of three instances behind HAProxy; then started again", addr: balancer.Addr,
		strike: list[0].Kill, lasts: 3 * time.Second, mend: list[0].Start,
	})
}

// processRolling stops and starts one instance after the other, as a new version is
// rolled out.
func processRolling(sc *scene) error {
	list, balancer, err := sc.several(sc.primary.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	return sc.run(play{
		what: "rolling restart of three instances behind HAProxy", addr: balancer.Addr,
		strike: func() error {
			for n, service := range list {
				if err := errors.Join(service.Stop(), service.Start()); err != nil {
					return fmt.Errorf("instance %d: %w", n, err)
				}
				if err := service.AwaitReady(sc.ctx); err != nil {
					return fmt.Errorf("instance %d: %w", n, err)
				}
				// The next one goes when this one is back in the balancer.
				if err := balancer.AwaitAll(sc.ctx); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
