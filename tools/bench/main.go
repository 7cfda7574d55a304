// SPDX-License-Identifier: Apache-2.0

// Bench measures the service beside the database that it asks, and writes a report.
// "make bench" runs it.
//
// Everything is on one machine: Postgres, the service, and what makes the load. So no
// figure is one of the service alone, and what counts are ratios of figures that were
// taken in turns. It is a module of its own, so that what it needs stays out of the
// program's go.mod.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("the benchmark runs on Linux only: it reads what processes use from /proc")
	}
	b, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.tearDown()) }()
	if err := b.heading(ctx); err != nil {
		return err
	}
	for _, part := range parts() {
		if !o.wants(part.name) {
			continue
		}
		b.progressf("== %s", part.name)
		if err := part.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.write()
}
