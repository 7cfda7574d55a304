// SPDX-License-Identifier: Apache-2.0

package app

import (
	"net"
	"sync"
)

// mostCorked is how much a corked connection puts together, in bytes: an answer of
// some thirty jobs. Of what is larger the cost of a second write is a small part.
const mostCorked = 32 << 10

var corkBuffers = sync.Pool{New: func() any { return new([mostCorked]byte) }}

// corkListener accepts connections that can be corked.
type corkListener struct{ net.Listener }

// Accept implements net.Listener.
func (l corkListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &corkConn{Conn: c}, nil
}

// corkConn puts together what is written while it is corked. It is by hand because
// net/http writes the headers and the first bytes of an answer's body apart from the
// rest: two system calls, two packets, and the client is woken twice. One goroutine
// writes at a time, as net/http does. It implements rest.Corker.
type corkConn struct {
	net.Conn

	buffer *[mostCorked]byte // nil: not corked
	held   int
}

// Cork keeps what is written from here on.
func (c *corkConn) Cork() {
	if c.buffer == nil {
		c.buffer, _ = corkBuffers.Get().(*[mostCorked]byte)
	}
}

// Uncork writes what was kept.
func (c *corkConn) Uncork() error {
	if c.buffer == nil {
		return nil
	}
	err := c.flush()
	corkBuffers.Put(c.buffer)
	c.buffer = nil
	return err
}

// Write implements net.Conn. What is kept counts as written.
func (c *corkConn) Write(b []byte) (int, error) {
	if c.buffer == nil {
		return c.Conn.Write(b)
	}
	if c.held+len(b) > mostCorked {
		if err := c.flush(); err != nil {
			return 0, err
		}
		return c.Conn.Write(b)
	}
	c.held += copy(c.buffer[c.held:], b)
	return len(b), nil
}

func (c *corkConn) flush() error {
	if c.held == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buffer[:c.held])
	c.held = 0
	return err
}
