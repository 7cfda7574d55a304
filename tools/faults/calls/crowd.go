// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Caller is somebody with a list.
type Caller struct {
	// Token makes the token of a call.
	Token func() (string, error)
	// Right tells what is wrong with the body of an answer with status 200.
	Right func(body []byte) error
}

// Plan says what a crowd does.
type Plan struct {
	// Addr is where to call (host:port). While it is empty nobody calls.
	Addr    func() string
	Callers []Caller
	Clients int           // each with a connection of its own
	Every   time.Duration // between the calls of a client, where answers come in time
}

// clientTimeout is how long a client waits, as HAPI FHIR's do.
const clientTimeout = 10 * time.Second

// Crowd is one that is calling.
type Crowd struct {
	plan   Plan
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	answers []Answer
}

// Start makes a crowd that calls until Stop.
func Start(ctx context.Context, plan Plan) (*Crowd, error) {
	if len(plan.Callers) == 0 || plan.Clients < 1 {
		return nil, fmt.Errorf("a crowd of %d clients for %d callers: it takes one of each", plan.Clients, len(plan.Callers))
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &Crowd{plan: plan, cancel: cancel}
	for number := range plan.Clients {
		c.work.Go(func() { c.run(ctx, number) })
	}
	return c, nil
}

// run is one client. It goes through the callers, beside the other clients.
func (c *Crowd) run(ctx context.Context, number int) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: clientTimeout}
	// They do not all begin at once.
	next := time.Now().Add(c.plan.Every * time.Duration(number) / time.Duration(c.plan.Clients))
	for at := number; ; at += c.plan.Clients {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		if next = next.Add(c.plan.Every); next.Before(time.Now()) {
			next = time.Now() // an answer took longer than that
		}
		to := c.plan.Addr()
		if to == "" {
			continue
		}
		caller := at % len(c.plan.Callers)
		// A call that has begun is finished: it would look like a failure of the service.
		answer := c.plan.Callers[caller].call(context.WithoutCancel(ctx), client, to)
		answer.Caller = caller
		c.mu.Lock()
		c.answers = append(c.answers, answer)
		c.mu.Unlock()
	}
}

// Answers are those that have come so far, in the order of their ends.
func (c *Crowd) Answers() []Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.answers)
}

// Stop ends the calls, waits for the last answers, and returns all of them.
func (c *Crowd) Stop() []Answer {
	c.cancel()
	c.work.Wait()
	return c.answers
}

// calm is how long nothing bad may have happened before all is well.
const calm = time.Second

// errNotWell means that the crowd got other than right answers to the end.
var errNotWell = errors.New("no second with right answers only")

// AwaitWell waits for a second, after the call, in which all calls were begun and
// answered right.
func (c *Crowd) AwaitWell(ctx context.Context, limit time.Duration) error {
	since := time.Now()
	for end := time.Now().Add(limit); ; {
		if quiet(c.Answers(), since) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w in %v", errNotWell, limit)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// quiet looks back: the last bad answer, and the time since when it counts, have to be a
// while ago, and there have to be right answers behind them.
func quiet(answers []Answer, since time.Time) bool {
	right := 0
	for _, a := range slices.Backward(answers) {
		if a.Begin.Before(since) {
			continue
		}
		if !a.Well() {
			since = a.Begin.Add(a.Took)
			break
		}
		right++
	}
	const enough = 20
	return right >= enough && time.Since(since) > calm
}
