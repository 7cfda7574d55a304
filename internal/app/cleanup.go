// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// cleanup undoes one step of the start.
type cleanup struct {
	name  string
	limit time.Duration // of its duration
	run   func(context.Context) error
}

// cleanups is a stack: undo runs the last one first.
type cleanups []cleanup

func (c *cleanups) add(name string, limit time.Duration, run func(context.Context) error) {
	*c = append(*c, cleanup{name: name, limit: limit, run: run})
}

// background runs a function in a goroutine that outlives ctx. The cleanup ends the context of the
// function and waits for it.
func (c *cleanups) background(ctx context.Context, name string, limit time.Duration, run func(context.Context) error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- run(running) }()
	c.add(name, limit, func(ctx context.Context) error {
		cancel()
		return await(ctx, ended)
	})
}

// await receives a result, but not after the end of ctx.
func await(ctx context.Context, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// undo runs all cleanups, each within its limit, and joins their errors. A second call does
// nothing.
func (c *cleanups) undo(ctx context.Context) error {
	var errs []error
	for len(*c) > 0 {
		last := (*c)[len(*c)-1]
		*c = (*c)[:len(*c)-1]
		errs = append(errs, last.undo(ctx))
	}
	return errors.Join(errs...)
}

func (c cleanup) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", c.name, err)
	}
	return nil
}
