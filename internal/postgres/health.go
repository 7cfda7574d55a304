// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/singleflight"
)

// HealthConnections is how many connections a Health has.
const HealthConnections = 1

const (
	healthTimeout = time.Second
	healthTTL     = time.Second
)

// Health tells whether the database can answer. It has a connection of its own,
// because a pool that is busy is no reason to call the service not ready: the
// other instances would get its load too.
type Health struct {
	pool     *Pool
	required int64
	way      poolingCheck
	now      func() time.Time

	mu      sync.Mutex
	checked time.Time // when the last one ended
	result  error
	passed  bool // one has succeeded

	flight singleflight.Group // of one check at a time
}

// NewHealth returns a check of the database at url.
func NewHealth(ctx context.Context, url string, now func() time.Time) (*Health, error) {
	required, err := requiredVersion()
	if err != nil {
		return nil, err
	}
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	prepares := preparing(config)
	config.MaxConns = HealthConnections
	// Its own question is well behind any pooler.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := open(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Health{pool: pool, required: required, way: poolingCheck{matters: prepares, now: now}, now: now}, nil
}

// Check returns nil when the database answers, holds the schema that this
// program needs, lets us read it, and keeps the statements that we prepare. The error
// says what to do, in words that an operator may see. However many ask, one check runs
// at a time, all of them wait for that one, and its result counts for a second.
func (h *Health) Check(ctx context.Context) error {
	if counts, err := h.last(); counts {
		return err
	}
	checked := h.flight.DoChan("", func() (any, error) {
		if counts, err := h.last(); counts { // of one that has just ended
			return nil, err
		}
		// Not the asker's context: the others want the result as well.
		return nil, h.run(context.WithoutCancel(ctx))
	})
	select {
	case r := <-checked:
		return r.Err
	case <-ctx.Done():
		return errors.New("the check was given up")
	}
}

// last tells whether the last check still counts, and its result.
func (h *Health) last() (counts bool, result error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.checked.IsZero() && h.now().Sub(h.checked) < healthTTL, h.result
}

func (h *Health) run(ctx context.Context) error {
	err := h.check(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.passed && errors.Is(err, errFull) {
		// The connections that the pool has go on working. If every instance
		// left the balancer for want of one more, nobody would be served.
		err = nil
	}
	h.result, h.checked, h.passed = err, h.now(), h.passed || err == nil
	return err
}

func (h *Health) check(ctx context.Context) error {
	answer, err := h.ask(ctx)
	if err != nil && lost(err) {
		// The connection may have died since it was last used, while the
		// database is well: another one tells.
		answer, err = h.ask(ctx)
	}
	if err != nil {
		return explainHealth(err)
	}
	if err := answer.judge(h.required); err != nil {
		return err
	}
	if answer.lossy {
		return errLossyPooler
	}
	return nil
}

func (h *Health) ask(ctx context.Context) (a healthAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	conn, err := h.pool.pgx.Acquire(ctx)
	if err != nil {
		return a, err
	}
	defer conn.Release()
	if a, err = askHealth(ctx, conn.Conn()); err == nil {
		a.lossy = h.way.loses(context.WithoutCancel(ctx), conn.Conn(), a.session)
	}
	return a, err
}

// Close closes the check's connection.
func (h *Health) Close(ctx context.Context) error { return h.pool.Close(ctx) }
