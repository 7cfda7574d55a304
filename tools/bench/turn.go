// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// sample is the result of one turn.
type sample struct {
	perSecond                float64
	calls                    float64
	p50, p99                 time.Duration // of pgbench: see compare
	service, database, maker time.Duration // CPU time of all calls
	peak                     float64       // memory of the service, in bytes; 0: not involved
}

// per1000 returns the CPU seconds per 1,000 requests.
func (s sample) per1000(cpu time.Duration) float64 {
	if s.calls == 0 {
		return 0
	}
	return cpu.Seconds() / s.calls * 1000
}

// benchTurn runs pgbench.
func (b *bench) benchTurn(ctx context.Context, pgbench *stage.Pgbench, script stage.Script) (sample, error) {
	before, err := stage.FamilyCPU(b.db.Postmaster)
	if err != nil {
		return sample{}, err
	}
	got, err := pgbench.Run(ctx, script, b.time, false)
	if err != nil {
		return sample{}, err
	}
	after, err := stage.FamilyCPU(b.db.Postmaster)
	return sample{perSecond: got.PerSecond, calls: got.Calls, database: after - before, maker: got.CPU}, err
}

// callTurn generates load and accepts correct responses only.
func (b *bench) callTurn(ctx context.Context, s *stage.Service, plan load.Plan) (sample, error) {
	plan.Addr = s.Addr
	var got load.Result
	cost, err := b.meter(s, func() (err error) {
		got, err = load.Run(ctx, plan)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	if err := flawless(got); err != nil {
		return sample{}, err
	}
	cost.perSecond, cost.calls = got.Throughput(), float64(len(got.OK))
	cost.p50, cost.p99 = load.Quantile(got.OK, 0.5), load.Quantile(got.OK, 0.99)
	return cost, nil
}

// meter measures the usage of all processes while a function runs.
func (b *bench) meter(s *stage.Service, measured func() error) (sample, error) {
	// Without permission to reset it, the peak is the one since the start, as the report says.
	_ = stage.ResetPeak(s.PID())
	before, err := b.usages(s)
	if err != nil {
		return sample{}, err
	}
	if err := measured(); err != nil {
		return sample{}, err
	}
	after, err := b.usages(s)
	return sample{
		service: after.service - before.service, database: after.database - before.database, maker: after.maker - before.maker,
		peak: after.peak,
	}, err
}

// usages returns the totals so far.
func (b *bench) usages(s *stage.Service) (total sample, err error) {
	service, err := stage.ProcessUsage(s.PID())
	if err != nil {
		return total, fmt.Errorf("service: %w", err)
	}
	own, err := stage.ProcessUsage(os.Getpid())
	if err != nil {
		return total, fmt.Errorf("load maker: %w", err)
	}
	total.database, err = stage.FamilyCPU(b.db.Postmaster)
	total.service, total.peak, total.maker = service.CPU, service.Peak, own.CPU
	return total, err
}
