// SPDX-License-Identifier: Apache-2.0

// Faults breaks what the service depends on, and the service itself, while clients call
// all the time, and writes down what they saw. "make faults" runs it.
//
// Everything is a real process on this machine: the built program, PostgreSQL, PgBouncer
// and HAProxy. It ends with an error where a fault was not met as api/wire.md says.
// It is a module of its own, so that what it needs stays out of the program's go.mod.
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
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("the fault suite runs on Linux only: it halts sessions by what /proc knows of them")
	}
	s, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	for _, f := range faults() {
		if !o.wants(f) {
			continue
		}
		if err := s.meet(ctx, f); err != nil {
			return err
		}
	}
	if err := s.write(); err != nil {
		return err
	}
	return s.verdict()
}
