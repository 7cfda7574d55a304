// SPDX-License-Identifier: Apache-2.0

// Package load makes HTTP load and measures what came of it. It shares the machine
// with what it measures, so it is written for one thing: requests are bytes made
// beforehand, and an answer is looked at no further than its status line, its length
// and its last byte. net/http's client would cost more than the service under test.
//
// The program tools/bench imports it.
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Plan describes a load.
type Plan struct {
	Addr     string   // TCP address
	Requests [][]byte // complete requests; each is sent at random
	// Lengths are the body lengths of the correct responses in bytes, one for each request. 0,
	// or a shorter list, accepts any length.
	Lengths     []int
	Connections int           // kept alive; each has one request in flight
	Time        time.Duration // time in which requests are started
	// Rate is the number of requests per second, independent of the responses. A request that
	// finds all connections busy waits, and the waiting counts. 0 means that each connection
	// sends its next request after the response.
	Rate float64
	// Once sends each request once, in order, and ends after the last response. Time and Rate
	// are ignored.
	Once bool
	// Look, if not nil, receives each complete response with the number of its request, on the
	// goroutine of the connection. Its error counts as a failure of the request.
	Look func(request int, answer []byte) error
}

// run is a running load.
type run struct {
	Plan
	begin, end time.Time
	due        chan time.Time // of an open loop
	next       atomic.Int64   // of Once
}

// Run generates the load and waits for the last responses. An error means that no load was
// possible, or that ctx ended.
func Run(ctx context.Context, plan Plan) (Result, error) {
	if len(plan.Requests) == 0 || plan.Connections < 1 {
		return Result{}, fmt.Errorf("make load with %d requests on %d connections: it takes one of each", len(plan.Requests), plan.Connections)
	}
	r := &run{Plan: plan}
	clients := make([]*client, plan.Connections)
	for i := range clients {
		clients[i] = newClient(r, i)
	}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	for _, c := range clients {
		if err := c.dial(ctx); err != nil {
			return Result{}, fmt.Errorf("connect to %s: %w", plan.Addr, err)
		}
	}
	// Collects garbage now and not during the measurement.
	runtime.GC()
	r.begin = time.Now()
	r.end = r.begin.Add(plan.Time)
	unsent := make(chan int, 1)
	if plan.Rate > 0 && !plan.Once {
		r.due = make(chan time.Time, plan.Connections)
		go func() { unsent <- r.schedule(ctx) }()
	} else {
		unsent <- 0
	}
	var running sync.WaitGroup
	for _, c := range clients {
		running.Go(func() { c.run(ctx) })
	}
	running.Wait()
	elapsed := time.Since(r.begin)
	return collect(clients, elapsed, <-unsent), ctx.Err()
}

// late is the delay of a request that this process itself can cause on a busy processor.
const late = 20 * time.Millisecond

// schedule sends the times at which requests are due, at random intervals, as many independent
// clients would. It closes due at the end and returns the number of requests that found no
// connection.
func (r *run) schedule(ctx context.Context) (unsent int) {
	defer close(r.due)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable by intent
	over := time.NewTimer(time.Until(r.end))
	defer over.Stop()
	for next := r.begin; next.Before(r.end) && ctx.Err() == nil; next = next.Add(time.Duration(random.ExpFloat64() / r.Rate * float64(time.Second))) {
		time.Sleep(time.Until(next))
		if time.Since(r.end) > late {
			unsent++ // no connection was free
			continue
		}
		select {
		case r.due <- next:
			continue
		default:
		}
		select {
		case r.due <- next:
		case <-over.C:
			unsent++
		case <-ctx.Done():
		}
	}
	return unsent
}
