// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// kind is a row of the table: a kind of turn.
type kind struct {
	name  string
	skip  int // number of rounds at the end without this kind
	turn  func(ctx context.Context) (sample, error)
	times stage.Script // of pgbench, for the run that measures times

	samples []sample
}

// compare lets pgbench and the service take turns with the same users.
func (b *bench) compare(ctx context.Context, s *stage.Service) error {
	pgbench, err := b.db.Pgbench()
	if err != nil {
		return err
	}
	kinds, err := b.kinds(ctx, s, pgbench)
	if err != nil {
		return err
	}
	for round := range b.rounds {
		if err := b.round(ctx, kinds, round); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		if k.times.Text == "" {
			continue
		}
		const enough = 2 * time.Second
		got, err := pgbench.Run(ctx, k.times, enough, true)
		if err != nil {
			return err
		}
		for i := range k.samples {
			k.samples[i].p50, k.samples[i].p99 = load.Quantile(got.Times, 0.5), load.Quantile(got.Times, 0.99)
		}
	}
	b.reportCompare(kinds)
	return nil
}

// few connections show the cost of a request when hardly any are coalesced.
const few = 16

// kinds checks the responses and returns the rows. The first row is the reference.
func (b *bench) kinds(ctx context.Context, s *stage.Service, pgbench *stage.Pgbench) ([]*kind, error) {
	bare, wall := yardstick(b.users, 1), walled(b.users, 1)
	kinds := []*kind{
		{name: "pgbench, the same SELECT", times: bare, turn: func(ctx context.Context) (sample, error) { return b.benchTurn(ctx, pgbench, bare) }},
		{name: "pgbench, with row-level security", times: wall, turn: func(ctx context.Context) (sample, error) { return b.benchTurn(ctx, pgbench, wall) }},
	}
	plain := requests(s, b.tokens, stage.JSON, "")
	var lengths []int
	for _, row := range []struct {
		name        string
		calls       [][]byte
		connections int
		skip        int
	}{
		{"service, JSON", plain, b.connections, 0},
		{fmt.Sprintf("service, JSON, %d connections", few), plain, few, min(2, b.rounds-1)},
		{"service, JSON, gzip", requests(s, b.tokens, stage.JSON, "Accept-Encoding: gzip\r\n"), b.connections, 0},
		{"service, XML", requests(s, b.tokens, stage.XML, ""), b.connections, min(2, b.rounds-1)},
	} {
		b.progressf("check %d answers: %s", b.users, row.name)
		checked, err := b.check(ctx, s, row.calls, b.ordinary(1), jobsEach)
		if err != nil {
			return nil, err
		}
		if lengths == nil {
			lengths = checked // of plain JSON, which come first
		}
		plan := load.Plan{Requests: row.calls, Lengths: checked, Connections: row.connections, Time: b.time}
		kinds = append(kinds, &kind{name: row.name, skip: row.skip, turn: func(ctx context.Context) (sample, error) {
			// The service caches tokens for a minute, and other turns came in between.
			if err := b.warm(ctx, s, plain); err != nil {
				return sample{}, err
			}
			return b.callTurn(ctx, s, plan)
		}})
	}
	return append(kinds, &kind{name: "service, JSON, each token new", turn: func(ctx context.Context) (sample, error) {
		return b.freshTurn(ctx, s, lengths)
	}}), nil
}

// freshTurn sends requests with new tokens, each once, in random order of the users.
func (b *bench) freshTurn(ctx context.Context, s *stage.Service, lengths []int) (sample, error) {
	users, right := make([]int, b.fresh), make([]int, b.fresh)
	order := rand.New(rand.NewPCG(3, 3)).Perm(b.users) //nolint:gosec // repeatable by intent
	for n := range users {
		users[n] = order[n%len(order)]
		right[n] = lengths[users[n]]
	}
	tokens, err := b.sign(ctx, users)
	if err != nil {
		return sample{}, err
	}
	return b.callTurn(ctx, s, load.Plan{Requests: requests(s, tokens, stage.JSON, ""), Lengths: right, Connections: b.connections, Once: true})
}

// round gives each kind one turn, in another order each time, so that no kind always follows the
// same one.
func (b *bench) round(ctx context.Context, kinds []*kind, round int) error {
	for n := range kinds {
		at := (n + round) % len(kinds)
		if round%2 == 1 {
			at = (len(kinds) - n + round) % len(kinds)
		}
		k := kinds[at]
		if round >= b.rounds-k.skip {
			continue
		}
		got, err := k.turn(ctx)
		if err != nil {
			return err
		}
		k.samples = append(k.samples, got)
		b.progressf("round %d of %d: %s: %s/s", round+1, b.rounds, k.name, figures.Count(got.perSecond))
	}
	return nil
}
