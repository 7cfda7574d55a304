// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"time"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

const (
	fatJobs   = 2000
	fatShare  = 4               // connections of a user with so many: as many as may be at work
	slowBegin = 3 * time.Second // until all slow readers have asked
)

// beside is the result of an ordinary load beside slow readers.
type beside struct {
	got    load.Result
	pool   []float64 // connections in use, each second
	limit  float64
	memory stage.Usage
	slow   load.SlowCounts
}

// slow measures the effect of slow readers on other clients.
func (b *bench) slow(ctx context.Context, s *stage.Service) error {
	fat := max(1, b.slowers/2/fatShare)
	if err := b.fill(ctx, stage.Users{First: fatUser, Count: fat, Jobs: fatJobs}); err != nil {
		return err
	}
	plan, capacity, err := b.capacity(ctx, s)
	if err != nil {
		return err
	}
	// Slow readers are many users, because one user would only meet the limit of a user.
	ordinary := min(b.slowers-b.slowers/2, b.users/2)
	quick := b.users - ordinary
	slowCalls, longest, err := b.slowCalls(ctx, s, plan.Requests[quick:], fat)
	if err != nil {
		return err
	}
	plan.Requests, plan.Lengths = plan.Requests[:quick], plan.Lengths[:quick]
	plan.Rate, plan.Connections, plan.Time = capacity/2, 8*b.connections, 2*b.time
	without, err := b.beside(ctx, s, plan, nil)
	if err != nil {
		return err
	}
	slow := load.StartSlow(ctx, s.Addr, slowCalls)
	defer slow.Stop()
	select {
	case <-time.After(slowBegin):
	case <-ctx.Done():
		return ctx.Err()
	}
	with, err := b.beside(ctx, s, plan, slow)
	if err != nil {
		return err
	}
	b.reportSlow(plan, fat, longest, without, with)
	return nil
}

// slowCalls returns requests of ordinary users, and of users with long lists, with the length of
// the longest one.
func (b *bench) slowCalls(ctx context.Context, s *stage.Service, ordinary [][]byte, fat int) (calls [][]byte, longest int, err error) {
	for n := range b.slowers - b.slowers/2 {
		calls = append(calls, ordinary[n%len(ordinary)])
	}
	users := make([]int, fat)
	for n := range users {
		users[n] = fatUser + n
	}
	tokens, err := b.sign(ctx, users)
	if err != nil {
		return nil, 0, err
	}
	long := requests(s, tokens, stage.JSON, "")
	lengths, err := b.check(ctx, s, long, users, fatJobs)
	if err != nil {
		return nil, 0, err
	}
	for range fatShare {
		calls = append(calls, long...)
	}
	return calls, slices.Max(lengths), nil
}

// beside generates the load and reads the metrics of the service each second.
func (b *bench) beside(ctx context.Context, s *stage.Service, plan load.Plan, slow *load.Slow) (r beside, err error) {
	if err := stage.ResetPeak(s.PID()); err != nil {
		b.progressf("%v", err)
	}
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	watched := make(chan error, 1)
	go func() { watched <- r.watch(watching, s) }()
	r.got, err = load.Run(ctx, plan)
	stopWatching()
	if failed := <-watched; err == nil {
		err = failed
	}
	if err != nil {
		return r, err
	}
	if slow != nil {
		r.slow = slow.Counts()
	}
	r.memory, err = stage.ProcessUsage(s.PID())
	return r, err
}

func (r *beside) watch(ctx context.Context, s *stage.Service) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second / 2):
		}
		inUse, limit, err := s.PoolInUse(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if err != nil {
			return err
		}
		r.pool, r.limit = append(r.pool, inUse), limit
	}
}

func (b *bench) reportSlow(plan load.Plan, fat, longest int, without, with beside) {
	b.section("Beside slow readers")
	b.sayf(`%s connections with small receive buffers ask and then read one byte a second: %s of ordinary users, %s of %d users with
%s jobs each. One that is refused or ended asks again. Beside them other users offer half of the capacity, %s calls a second,
for %v.
`, figures.Count(float64(b.slowers)), figures.Count(float64(b.slowers-b.slowers/2)), figures.Count(float64(fat*fatShare)), fat,
		figures.Count(fatJobs), figures.Count(plan.Rate), plan.Time)
	table := figures.NewTable("slow readers", "right/s", "p50 ms", "p99 ms", "refused", "failed", "not sent", "pool in use, median (least–most)", "of", "memory MB", "peak MB")
	for _, row := range []struct {
		name string
		beside
	}{{"without", without}, {"with", with}} {
		table.Row(row.name, figures.Count(row.got.Throughput()),
			figures.Milliseconds(load.Quantile(row.got.OK, 0.5)), figures.Milliseconds(load.Quantile(row.got.OK, 0.99)),
			figures.Count(float64(len(row.got.Refused))), figures.Count(float64(row.got.Failures)), figures.Count(float64(row.got.Unsent)),
			figures.Spread(row.pool, figures.Count), figures.Count(row.limit), figures.Megabytes(row.memory.Memory), figures.Megabytes(row.memory.Peak))
		if row.got.Failure != nil {
			b.progressf("a failure %s slow readers: %v", row.name, row.got.Failure)
		}
	}
	b.sayf("%s", table)
	c := with.slow
	b.sayf(`In the end %s of the slow readers were reading; of %s calls of theirs %s were refused, %s answers were ended by the service
and %s failed otherwise. A long answer has %s MB; the kernel may hold up to %s MB of one for the service.
`, figures.Count(float64(c.Reading)), figures.Count(float64(c.Asked)), figures.Count(float64(c.Refused)), figures.Count(float64(c.Ended)), figures.Count(float64(c.Failed)),
		figures.Megabytes(float64(longest)), figures.Megabytes(stage.SendBuffer()))
}
