// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// answerTimeout is the limit of a request, far above every limit of the service.
const answerTimeout = 20 * time.Second

// client is one connection with its results.
type client struct {
	load   *run
	random *rand.Rand
	conn   net.Conn
	buffer []byte // the response so far

	statuses    map[int]int
	lengths     map[int]int
	ok, refused []time.Duration
	retryAfter  int
	failures    int
	failure     error
}

func newClient(r *run, number int) *client {
	return &client{
		load: r, random: rand.New(rand.NewPCG(uint64(number), 1)), //nolint:gosec // repeatable by intent
		buffer: make([]byte, 16<<10), statuses: map[int]int{}, lengths: map[int]int{},
	}
}

func (c *client) dial(ctx context.Context) (err error) {
	var d net.Dialer
	c.conn, err = d.DialContext(ctx, "tcp", c.load.Addr)
	return err
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// run sends requests until there are no more.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		request, begin, more := c.next()
		if !more {
			return
		}
		if err := c.call(ctx, request, begin); err != nil {
			c.failures++
			if c.failure == nil {
				c.failure = err
			}
			c.close()
		}
	}
}

// next selects a request and waits until it is due.
func (c *client) next() (request int, begin time.Time, more bool) {
	if c.load.Once {
		request = int(c.load.next.Add(1)) - 1
		return request, time.Now(), request < len(c.load.Requests)
	}
	request, begin = c.random.IntN(len(c.load.Requests)), time.Now()
	if c.load.due != nil {
		begin, more = <-c.load.due
		return request, begin, more
	}
	return request, begin, begin.Before(c.load.end)
}

// call sends one request and reads its response. An error means that the response was neither
// correct nor a rejection; the connection is not used again.
func (c *client) call(ctx context.Context, request int, begin time.Time) error {
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return err
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.load.Requests[request]); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	got, err := c.answer()
	if err != nil {
		return err
	}
	took := time.Since(begin)
	if got.last {
		c.close()
	}
	c.statuses[got.status]++
	switch got.status {
	case statusOK:
	case statusTooMany, statusUnavailable:
		c.refused = append(c.refused, took)
		if got.retryAfter {
			c.retryAfter++
		}
		return nil
	default:
		return fmt.Errorf("the answer has status %d", got.status)
	}
	if request < len(c.load.Lengths) && c.load.Lengths[request] != 0 && c.load.Lengths[request] != got.length {
		return fmt.Errorf("the answer has %d bytes, the right one %d", got.length, c.load.Lengths[request])
	}
	if c.load.Look != nil {
		if err := c.load.Look(request, c.buffer[:got.end]); err != nil {
			return err
		}
	}
	if c.load.Once {
		c.lengths[request] = got.length
	}
	c.ok = append(c.ok, took)
	return nil
}

const (
	statusOK          = 200
	statusTooMany     = 429
	statusUnavailable = 503
)
