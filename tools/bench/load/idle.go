// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"time"
)

// Idle is a set of connections that have sent one request each and stay open.
type Idle struct{ clients []*client }

// OpenIdle opens a connection for each request, one after the other.
func OpenIdle(ctx context.Context, addr string, requests [][]byte) (*Idle, error) {
	r := &run{Plan: Plan{Addr: addr, Requests: requests}}
	idle := &Idle{}
	for n := range requests {
		c := newClient(r, n)
		idle.clients = append(idle.clients, c)
		if err := c.call(ctx, n, time.Now()); err != nil {
			idle.Close()
			return nil, fmt.Errorf("open connection %d: %w", n, err)
		}
		c.buffer = nil
	}
	return idle, nil
}

// Open returns the number of connections that the service has not closed.
func (i *Idle) Open() (open int) {
	one := make([]byte, 1)
	for _, c := range i.clients {
		if c.conn == nil {
			continue
		}
		// An open connection has nothing to read, so the read runs into its deadline.
		if err := c.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			continue
		}
		if _, err := c.conn.Read(one); isTimeout(err) {
			open++
		}
	}
	return open
}

// Close closes the connections.
func (i *Idle) Close() {
	for _, c := range i.clients {
		c.close()
	}
}
