// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// idle measures the cost of idle connections.
func (b *bench) idle(ctx context.Context, s *stage.Service) error {
	calls := requests(s, b.tokens, stage.JSON, "")
	// Excludes memory that the service needs for any request.
	if err := b.warm(ctx, s, calls); err != nil {
		return err
	}
	before, err := b.settled(ctx, s)
	if err != nil {
		return err
	}
	each := make([][]byte, b.idlers)
	for n := range each {
		each[n] = calls[n%len(calls)]
	}
	idle, err := load.OpenIdle(ctx, s.Addr, each)
	if err != nil {
		return err
	}
	defer idle.Close()
	after, err := b.settled(ctx, s)
	if err != nil {
		return err
	}
	b.section("Idle connections")
	b.sayf("Kept-alive connections that have made a call each, beside a service that has answered %s calls before.\n", figures.Count(float64(len(calls))))
	table := figures.NewTable("connections", "still open", "memory before MB", "memory with them MB", "kB each")
	table.Row(figures.Count(float64(b.idlers)), figures.Count(float64(idle.Open())), figures.Megabytes(before.Memory), figures.Megabytes(after.Memory),
		figures.Decimals(1)((after.Memory-before.Memory)/1024/float64(b.idlers)))
	b.sayf("%s", table)
	return nil
}

// settled returns the usage of the service after a moment of rest.
func (b *bench) settled(ctx context.Context, s *stage.Service) (stage.Usage, error) {
	const moment = 2 * time.Second
	select {
	case <-time.After(moment):
	case <-ctx.Done():
		return stage.Usage{}, ctx.Err()
	}
	return stage.ProcessUsage(s.PID())
}
