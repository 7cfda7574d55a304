// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"reporting/tools/bench/chart"
	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// step is the result of one offered load.
type step struct {
	share    float64 // of the capacity
	offered  float64 // calls/s
	got      load.Result
	cost     sample
	recovery time.Duration
	recovers bool
}

// shares are the offered loads, as shares of the throughput in a closed loop.
func shares() []float64 { return []float64{0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2, 3} }

// overload offers more and more requests that do not wait for one another.
func (b *bench) overload(ctx context.Context, s *stage.Service) error {
	plan, capacity, err := b.capacity(ctx, s)
	if err != nil {
		return err
	}
	r := recovery{plan: plan}
	r.plan.Rate = capacity / 2
	if err := r.learn(ctx); err != nil {
		return err
	}
	var steps []step
	for _, share := range shares() {
		st := step{share: share, offered: share * capacity}
		plan.Rate, plan.Connections = st.offered, b.crowd
		st.cost, err = b.meter(s, func() (err error) {
			st.got, err = load.Run(ctx, plan)
			return err
		})
		if err != nil {
			return err
		}
		if st.recovery, st.recovers, err = r.await(ctx); err != nil {
			return err
		}
		b.progressf("offered %s/s: %s/s right, %s/s refused", figures.Count(st.offered), figures.Count(st.got.Throughput()), figures.Count(st.got.RefusedRate()))
		steps = append(steps, st)
	}
	b.reportOverload(capacity, r, steps)
	return b.draw(steps)
}

// capacity measures the throughput in a closed loop. It returns the plan of the same requests.
func (b *bench) capacity(ctx context.Context, s *stage.Service) (plan load.Plan, perSecond float64, err error) {
	plan = load.Plan{Addr: s.Addr, Requests: requests(s, b.tokens, stage.JSON, ""), Connections: b.connections, Time: b.time}
	if plan.Lengths, err = b.check(ctx, s, plan.Requests, b.ordinary(1), jobsEach); err != nil {
		return plan, 0, err
	}
	got, err := b.callTurn(ctx, s, plan)
	return plan, got.perSecond, err
}

func (b *bench) reportOverload(capacity float64, r recovery, steps []step) {
	b.section("More than it can bear")
	b.sayf(`In a closed loop with %d connections the service answered %s calls a second. Here calls begin at times of their own, on
up to %s connections, for %v at each rate, whatever becomes of those before; a call's time counts from when it was due, so
waiting for a connection is part of it. Refused are 429 and 503, failed all other answers but right ones. After each rate
half of the capacity is offered in slices of %v; the service has recovered with the first of %d slices in a row in which
all answers are right and p99 is below %s ms.
`, b.connections, figures.Count(capacity), figures.Count(float64(b.crowd)), b.time, sliceTime, inARow, figures.Milliseconds(r.bound))
	table := figures.NewTable("offered", "calls/s", "right/s", "p50 ms", "p99 ms", "refused/s", "refused p99 ms", "with Retry-After", "failed", "not sent", "processors: service", "database", "load maker", "peak MB", "recovered after ms")
	for _, st := range steps {
		refusedTime, told := figures.Nothing, figures.Nothing
		if n := len(st.got.Refused); n > 0 {
			refusedTime = figures.Milliseconds(load.Quantile(st.got.Refused, 0.99))
			told = fmt.Sprintf("%s of %s", figures.Count(float64(st.got.RetryAfter)), figures.Count(float64(n)))
		}
		recovered := fmt.Sprintf("not within %v", recoveryTime)
		if st.recovers {
			recovered = figures.Count(float64(st.recovery.Milliseconds()))
		}
		table.Row(figures.Decimals(2)(st.share)+" ×", figures.Count(st.offered), figures.Count(st.got.Throughput()),
			figures.Milliseconds(load.Quantile(st.got.OK, 0.5)), figures.Milliseconds(load.Quantile(st.got.OK, 0.99)),
			figures.Count(st.got.RefusedRate()), refusedTime, told, figures.Count(float64(st.got.Failures)), figures.Count(float64(st.got.Unsent)),
			st.processors(st.cost.service), st.processors(st.cost.database), st.processors(st.cost.maker), figures.Megabytes(st.cost.peak), recovered)
	}
	b.sayf("%s", table)
	for _, st := range steps {
		if st.got.Failure != nil {
			b.sayf("The first failure at %s ×: %v.\n", figures.Decimals(2)(st.share), st.got.Failure)
		}
	}
}

// processors returns the number of busy processors.
func (st step) processors(cpu time.Duration) string {
	return figures.Decimals(2)(cpu.Seconds() / max(st.got.Elapsed.Seconds(), 0.001))
}

// draw draws the steps.
func (b *bench) draw(steps []step) error {
	if b.plot == "" {
		return nil
	}
	var points []chart.Point
	for _, st := range steps {
		points = append(points, chart.Point{
			Offered: st.offered, Right: st.got.Throughput(), Refused: st.got.RefusedRate(),
			P50: load.Quantile(st.got.OK, 0.5), P99: load.Quantile(st.got.OK, 0.99),
		})
	}
	var svg bytes.Buffer
	title := fmt.Sprintf("Overload: open loop, %d users with %d jobs each, %d cores for all", b.users, jobsEach, b.machine.Cores)
	if err := chart.Overload(&svg, title, points); err != nil {
		return err
	}
	if err := writeFile(b.plot, svg.Bytes()); err != nil {
		return err
	}
	link, err := filepath.Rel(filepath.Dir(b.report), b.plot)
	if err != nil {
		link = filepath.Base(b.plot)
	}
	b.sayf("![Right and refused answers, and their times, by offered load](%s)\n", filepath.ToSlash(link))
	return nil
}
