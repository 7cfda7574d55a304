// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"reporting/tools/bench/figures"
)

// reportCompare writes the results of the turns.
func (b *bench) reportCompare(kinds []*kind) {
	b.section("Compared with the database alone")
	b.sayf(`%d users with %d jobs each, asked for by chance; %d rounds, in each of which every row has a turn of %v, in an order that
changes. The figures are medians over the rounds, with the least and the greatest in brackets; a ratio is one to the
first row of the same round. pgbench runs the service's SELECT, prepared, on 8 connections, the second row with what the
service sends beside it so that row-level security shows this user's rows only. The service has %d connections and
%d tokens; in the last row each call has one that was never seen before (%d calls a round).
`, b.users, jobsEach, b.rounds, b.time, b.connections, b.users, b.fresh)
	table := figures.NewTable("", "calls/s", "ratio", "p50 ms", "p99 ms", "CPU s per 1,000 calls: service", "database", "load maker", "service's peak MB")
	base := rates(kinds[0].samples)
	for _, k := range kinds {
		of := func(value func(sample) float64, format func(float64) string) string {
			return figures.Spread(values(k.samples, value), format)
		}
		service, peak := figures.Nothing, figures.Nothing
		if k.times.Text == "" {
			service = figures.Decimals(3)(median(k.samples, func(s sample) float64 { return s.per1000(s.service) }))
			peak = of(func(s sample) float64 { return s.peak }, figures.Megabytes)
		}
		table.Row(k.name,
			of(func(s sample) float64 { return s.perSecond }, figures.Count),
			figures.Spread(figures.Ratios(rates(k.samples), base), figures.Decimals(2)),
			middle(k.samples, func(s sample) time.Duration { return s.p50 }),
			middle(k.samples, func(s sample) time.Duration { return s.p99 }),
			service,
			figures.Decimals(3)(median(k.samples, func(s sample) float64 { return s.per1000(s.database) })),
			figures.Decimals(3)(median(k.samples, func(s sample) float64 { return s.per1000(s.maker) })),
			peak)
	}
	b.sayf("%s", table)
	b.sayf(`The database's CPU time is that of Postgres and all its processes. pgbench tells times of single transactions only in a
log that slows it down, so its p50 and p99 are of one run of 2 s of its own. Before a turn of the service each token was
used once, because it remembers them for a minute; not before the last row.
`)
	if !b.resets {
		b.sayf("The kernel does not let a peak of memory begin anew here, so peaks are those since the service's start.\n")
	}
}

func values(samples []sample, value func(sample) float64) []float64 {
	var list []float64
	for _, s := range samples {
		list = append(list, value(s))
	}
	return list
}

func rates(samples []sample) []float64 {
	return values(samples, func(s sample) float64 { return s.perSecond })
}

func median(samples []sample, value func(sample) float64) float64 {
	return figures.Median(values(samples, value))
}

// middle returns the median of times.
func middle(samples []sample, value func(sample) time.Duration) string {
	return figures.Milliseconds(time.Duration(median(samples, func(s sample) float64 { return float64(value(s)) })))
}
