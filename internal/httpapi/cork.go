// SPDX-License-Identifier: Apache-2.0

package httpapi

import "context"

// Corker is a client's connection that can put together what is written to it.
type Corker interface {
	// Cork keeps what is written from here on.
	Cork()
	// Uncork writes what was kept.
	Uncork() error
}

type corkerKey struct{}

// WithCorker returns a context for the requests of a connection.
func WithCorker(ctx context.Context, c Corker) context.Context {
	return context.WithValue(ctx, corkerKey{}, c)
}

// noCorker stands for a connection that cannot be corked, as those of tests.
type noCorker struct{}

func (noCorker) Cork()         {}
func (noCorker) Uncork() error { return nil }

// corkerOf returns the connection of a request; nil: it cannot be corked.
func corkerOf(ctx context.Context) Corker {
	c, _ := ctx.Value(corkerKey{}).(Corker)
	return c
}
