// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"reporting/tools/bench/load"
)

const (
	sliceTime    = 200 * time.Millisecond
	recoveryTime = 2 * time.Second // how long a service is watched
	// A single answer decides the p99 of a slice, and on a machine that all share it may
	// be late for reasons of its own. Nobody notices less than this.
	leastBound = 50 * time.Millisecond
)

// recovery finds out when a service is well again.
type recovery struct {
	plan  load.Plan     // a load that is no trouble to it
	bound time.Duration // p99 of a slice below which it is well
}

// learn finds out how long the worst slice takes of a service that is well; twice that
// is the bound, or what is hardly noticed.
func (r *recovery) learn(ctx context.Context) error {
	slices, err := r.watch(ctx)
	if err != nil {
		return err
	}
	r.bound = leastBound
	for _, slice := range slices {
		if err := flawless(slice); err != nil {
			return err
		}
		r.bound = max(r.bound, 2*load.Quantile(slice.OK, 0.99))
	}
	return nil
}

// await tells when the service was well again, at the end of a slice.
func (r *recovery) await(ctx context.Context) (after time.Duration, ok bool, err error) {
	slices, err := r.watch(ctx)
	if err != nil {
		return 0, false, err
	}
	var well []bool
	for _, slice := range slices {
		well = append(well, flawless(slice) == nil && slice.Unsent == 0 && load.Quantile(slice.OK, 0.99) < r.bound)
	}
	after, ok = recoveredAt(well)
	return after, ok, nil
}

// inARow is how many slices have to be well. That all that follow are would be too much
// to ask: something else may happen on the machine in the meantime.
const inARow = 3

// recoveredAt is the end of the first slice that is well with those behind it.
func recoveredAt(well []bool) (time.Duration, bool) {
	row := 0
	for n, ok := range well {
		if !ok {
			row = 0
			continue
		}
		if row++; row == inARow {
			return time.Duration(n+2-inARow) * sliceTime, true
		}
	}
	return 0, false
}

func (r *recovery) watch(ctx context.Context) ([]load.Result, error) {
	plan := r.plan
	plan.Time = sliceTime
	var slices []load.Result
	for range int(recoveryTime / sliceTime) {
		got, err := load.Run(ctx, plan)
		if err != nil {
			return nil, err
		}
		slices = append(slices, got)
	}
	return slices, nil
}
