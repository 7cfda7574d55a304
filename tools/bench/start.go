// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/stage"
)

const (
	serveStarts = 10
	devStarts   = 3
)

// start measures the time until the program is ready.
func (b *bench) start(ctx context.Context) error {
	if err := b.table(ctx); err != nil {
		return err
	}
	var serve, dev []float64
	for range serveStarts {
		s, err := b.service(ctx)
		if err != nil {
			return err
		}
		serve = append(serve, s.Ready.Seconds()*1000)
		if err := s.Stop(); err != nil {
			return fmt.Errorf("stop the service: %w", err)
		}
	}
	for range devStarts {
		took, err := stage.TryDev(ctx, b.program)
		if err != nil {
			return err
		}
		dev = append(dev, took.Seconds()*1000)
	}
	info, err := os.Stat(b.program) //nolint:gosec // the program under test
	if err != nil {
		return fmt.Errorf("look at the program: %w", err)
	}
	b.section("Start")
	table := figures.NewTable("", "ms, median (least–most)", "of")
	table.Row("`reporting serve`, from its start to ready, on a migrated database", figures.Spread(serve, figures.Count), strconv.Itoa(serveStarts))
	table.Row("`reporting dev`, from its start to a right answer to the line it prints", figures.Spread(dev, figures.Count), strconv.Itoa(devStarts))
	b.sayf("%s", table)
	b.sayf("The program is one file of %s MB.\n", figures.Megabytes(float64(info.Size())))
	return nil
}
