// SPDX-License-Identifier: Apache-2.0

// Workers kills, stops, freezes and cuts off processes that make reports, and looks from
// the outside at what became of the jobs. "make workers" runs it.
//
// Everything is a real process on this machine: the built program, as "serve" and as
// "worker", and PostgreSQL. It ends with an error where a job was lost, ended twice, or
// has another number of results than one.
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
		fmt.Fprintln(os.Stderr, "workers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("it runs on Linux only: what it starts ends with it by a signal of that kernel")
	}
	s, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	r := &result{options: o}
	for _, p := range parts() {
		if !o.wants(p) {
			continue
		}
		s.progressf("== %s", p.name)
		if err := p.play(ctx, s, r); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return r.conclude(s)
}
