// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"reporting/tools/faults/servers"
)

// gang are the processes that make reports.
type gang struct {
	s       *stage
	list    []*servers.Service // nil: not running now
	names   []string
	lives   int // so far
	kills   []kill
	rescued map[string]float64 // by name
	users   []user
	ordered int // jobs
}

func (g *gang) start(ctx context.Context) error {
	g.list, g.names = make([]*servers.Service, workers), make([]string, workers)
	for n := range g.list {
		if err := g.bear(n); err != nil {
			return err
		}
	}
	return g.list[0].AwaitReady(ctx)
}

// bear starts a process, with a name that none had before.
func (g *gang) bear(n int) (err error) {
	g.lives++
	g.names[n] = fmt.Sprintf("storm-worker-%d", g.lives)
	g.list[n], err = g.s.worker(g.names[n], usual)
	return err
}

func (g *gang) stop() (err error) {
	for n, w := range g.list {
		err = errors.Join(err, w.Stop())
		g.list[n] = nil
	}
	return err
}

// rage kills and starts again until all jobs have ended. One worker is away at a time, and
// the next dies while that is still coming back. Where they are too quick for it, there is
// more for them to do.
func (g *gang) rage(ctx context.Context, random *rand.Rand) error {
	const least, most, pause = 2 * time.Second, 5 * time.Second, 2 * time.Second
	limit := time.Now().Add(stormLimit)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(least + time.Duration(random.Int64N(int64(most-least)))):
		}
		left, err := look[struct{ N int }](ctx, g.s, "select count(*)::int from report_job where user_id like 'storm-%' and ended_at is null")
		if err != nil {
			return err
		}
		if n := g.s.jobs / 5; left[0].N <= 2*workers && len(g.kills) < g.s.kills {
			if err := orderAll(ctx, g.users, n); err != nil {
				return err
			}
			g.ordered += n
		} else if left[0].N == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%d jobs have not ended after %v", left[0].N, stormLimit)
		}
		if err := g.kill(ctx, random.IntN(workers), time.Duration(random.Int64N(int64(pause)))); err != nil {
			return err
		}
		g.s.progressf("%d kills, %d jobs left", len(g.kills), left[0].N)
	}
}

func (g *gang) kill(ctx context.Context, n int, pause time.Duration) error {
	if err := g.read(ctx); err != nil {
		return err
	}
	if err := g.list[n].Kill(); err != nil {
		return err
	}
	g.kills = append(g.kills, kill{who: g.names[n], at: time.Now()})
	time.Sleep(pause)
	return g.bear(n)
}

// read notes how many jobs each worker has rescued so far in this life.
func (g *gang) read(ctx context.Context) error {
	for n, w := range g.list {
		text, err := w.Metrics(ctx)
		if err != nil { // it is still coming up
			continue
		}
		for line := range strings.Lines(text) {
			var value float64
			if rest, found := strings.CutPrefix(line, `reporting_sweep_jobs_total{action="requeued"} `); found {
				if _, err := fmt.Sscan(rest, &value); err != nil {
					return fmt.Errorf("read metrics: %w", err)
				}
				g.rescued[g.names[n]] = value
			}
		}
	}
	return nil
}
