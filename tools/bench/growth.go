// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"

	"reporting/internal/postgres"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// stageOfGrowth is a size of the table and the results at that size.
type stageOfGrowth struct {
	sizes              stage.Sizes
	bare, wall, served []float64 // calls/s by round
	plan               string
}

// growth measures the ratio with a small table and with a large one.
func (b *bench) growth(ctx context.Context, s *stage.Service) error {
	pgbench, err := b.db.Pgbench()
	if err != nil {
		return err
	}
	small, err := b.grown(ctx, s, pgbench, 1, b.tokens)
	if err != nil {
		return err
	}
	stride := b.growUsers / b.users
	b.progressf("load %d users more", b.growUsers-b.users)
	if err := b.fill(ctx, stage.Users{First: b.users, Count: b.growUsers - b.users, Jobs: jobsEach}); err != nil {
		return err
	}
	tokens, err := b.sign(ctx, b.ordinary(stride))
	if err != nil {
		return err
	}
	large, err := b.grown(ctx, s, pgbench, stride, tokens)
	if err != nil {
		return err
	}
	return b.reportGrowth(ctx, small, large)
}

// growthRounds is less than the rounds of the comparison, because a ratio of two rows needs less
// time.
func (b *bench) growthRounds() int { return max(1, b.rounds/2) }

// grown measures at the current size of the table. The selected users are spread over the whole
// table.
func (b *bench) grown(ctx context.Context, s *stage.Service, pgbench *stage.Pgbench, stride int, tokens []string) (g stageOfGrowth, err error) {
	if g.sizes, err = b.db.Sizes(ctx); err != nil {
		return g, err
	}
	if g.plan, err = b.db.Plan(ctx, postgres.SelectNewest, stage.UserID(b.users/2*stride), newest); err != nil {
		return g, err
	}
	calls := requests(s, tokens, stage.JSON, "")
	lengths, err := b.check(ctx, s, calls, b.ordinary(stride), jobsEach)
	if err != nil {
		return g, err
	}
	plan := load.Plan{Requests: calls, Lengths: lengths, Connections: b.connections, Time: b.time}
	turns := []struct {
		rates *[]float64
		take  func() (sample, error)
	}{
		{&g.bare, func() (sample, error) { return b.benchTurn(ctx, pgbench, yardstick(b.users, stride)) }},
		{&g.wall, func() (sample, error) { return b.benchTurn(ctx, pgbench, walled(b.users, stride)) }},
		{&g.served, func() (sample, error) {
			if err := b.warm(ctx, s, calls); err != nil {
				return sample{}, err
			}
			return b.callTurn(ctx, s, plan)
		}},
	}
	for round := range b.growthRounds() {
		for n := range turns {
			turn := turns[(n+round)%len(turns)]
			got, err := turn.take()
			if err != nil {
				return g, err
			}
			*turn.rates = append(*turn.rates, got.perSecond)
		}
		b.progressf("%d rows, round %d of %d: pgbench %s/s, service %s/s", g.sizes.Rows, round+1, b.growthRounds(),
			figures.Count(g.bare[round]), figures.Count(g.served[round]))
	}
	return g, nil
}

func (b *bench) reportGrowth(ctx context.Context, small, large stageOfGrowth) error {
	buffers, err := b.db.BufferMB(ctx)
	if err != nil {
		return err
	}
	b.section("When the table grows")
	b.sayf(`The same %d users' worth of calls, drawn evenly from all users of each table; medians of %d rounds of turns of %v.
`, b.users, b.growthRounds(), b.time)
	table := figures.NewTable("rows", "table MB", "indexes MB", "pgbench/s", "with row-level security/s", "service/s", "ratio of the service")
	for _, g := range []stageOfGrowth{small, large} {
		table.Row(figures.Count(float64(g.sizes.Rows)), figures.Megabytes(float64(g.sizes.Table)), indexSizes(g.sizes),
			figures.Spread(g.bare, figures.Count), figures.Spread(g.wall, figures.Count), figures.Spread(g.served, figures.Count),
			figures.Spread(figures.Ratios(g.served, g.bare), figures.Decimals(2)))
	}
	b.sayf("%s", table)
	of := func(g stageOfGrowth) float64 { return figures.Median(figures.Ratios(g.served, g.bare)) }
	if of(small) > 0 {
		b.sayf("The large table's ratio is %.2f of the small one's; the database alone runs at %.2f of its rate.\n",
			of(large)/of(small), figures.Median(large.bare)/figures.Median(small.bare))
	}
	fits := "all of it fits"
	if large.sizes.Total > int64(buffers)<<20 {
		fits = "**not all of it fits**, which costs reads from the files' cache"
	}
	b.sayf("shared_buffers are %s MB, the large table with its indexes takes %s MB: %s.\n",
		figures.Count(float64(buffers)), figures.Megabytes(float64(large.sizes.Total)), fits)
	for _, g := range []stageOfGrowth{small, large} {
		b.sayf("The plan with %s rows:\n\n```\n%s```\n", figures.Count(float64(g.sizes.Rows)), g.plan)
	}
	return nil
}

func indexSizes(s stage.Sizes) string {
	var words []string
	for _, index := range s.Indexes {
		words = append(words, index.Name+" "+figures.Megabytes(float64(index.Bytes)))
	}
	return strings.Join(words, ", ")
}
