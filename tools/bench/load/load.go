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

// Plan says what load to make.
type Plan struct {
	Addr     string   // TCP address
	Requests [][]byte // whole requests; each call sends one by chance
	// Lengths are the lengths of the right answers' bodies, in bytes, one for each
	// request; 0, or a shorter list: any.
	Lengths     []int
	Connections int           // kept alive; each has one call under way at a time
	Time        time.Duration // how long calls are begun
	// Rate is how many calls begin in a second, whatever becomes of those before them;
	// a call that finds all connections busy waits for one, and that counts. 0: each
	// connection begins a call when it has the answer of the last.
	Rate float64
	// Once sends each request one time, in order, and ends when all are answered; Time
	// and Rate count for nothing then.
	Once bool
	// Look, where there is one, is shown each whole answer as it came, with the number
	// of its request, on the goroutine of the connection. What it returns counts as a
	// failure of that call.
	Look func(request int, answer []byte) error
}

// run is a load that is being made.
type run struct {
	Plan
	begin, end time.Time
	due        chan time.Time // of an open loop
	next       atomic.Int64   // of Once
}

// Run makes the load until its time is over, and waits for the last answers. An error
// means that no load could be made, or that ctx ended.
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
	// What was made before shall not be cleared up at the expense of what is measured.
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

// late is how much later than due a call may be because this process did not get a
// processor, which is no news about the service.
const late = 20 * time.Millisecond

// schedule hands out the times at which calls are due, at random distances, as those
// of many clients who know nothing of one another are. It ends with due closed, and
// tells how many calls found no connection by the end.
func (r *run) schedule(ctx context.Context) (unsent int) {
	defer close(r.due)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable by intent
	over := time.NewTimer(time.Until(r.end))
	defer over.Stop()
	for next := r.begin; next.Before(r.end) && ctx.Err() == nil; next = next.Add(time.Duration(random.ExpFloat64() / r.Rate * float64(time.Second))) {
		time.Sleep(time.Until(next))
		if time.Since(r.end) > late {
			unsent++ // because those before it had to wait
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
