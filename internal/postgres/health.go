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

// HealthConnections is the number of connections of a Health.
const HealthConnections = 1

const (
	healthTimeout = time.Second
	healthTTL     = time.Second
)

// Health checks that the database can serve reads. It has a connection of its own, because
// a busy pool must not make the service not ready: other instances would get its load.
type Health struct {
	pool     *Pool
	required int64 // schema version
	prepares bool  // the service prepares statements
	timeout  time.Duration
	ttl      time.Duration // of a result
	now      func() time.Time

	mu      sync.Mutex
	checked time.Time // when the last check ended
	result  error
	passed  bool // a check has passed

	keeps  *pgx.Conn          // a connection that is known to keep its statements
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
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // works behind every pooler
	pool, err := open(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Health{pool: pool, required: required, prepares: prepares, timeout: healthTimeout, ttl: healthTTL, now: now}, nil
}

// Check returns nil when the database answers, has the schema that this program needs, lets
// the service read it, and keeps prepared statements. Otherwise it returns a Diagnostic.
// Concurrent callers share one check, and its result is valid for a second.
func (h *Health) Check(ctx context.Context) error {
	if valid, err := h.last(); valid {
		return err
	}
	checked := h.flight.DoChan("", func() (any, error) {
		if valid, err := h.last(); valid { // of a check that has just ended
			return nil, err
		}
		return nil, h.run(context.WithoutCancel(ctx)) // other callers wait for the result as well
	})
	select {
	case r := <-checked:
		return r.Err
	case <-ctx.Done():
		return errors.New("check database: the caller did not wait for the result")
	}
}

// last returns whether the last check is still valid, and its result.
func (h *Health) last() (valid bool, result error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.checked.IsZero() && h.now().Sub(h.checked) < h.ttl, h.result
}

func (h *Health) run(ctx context.Context) error {
	err := h.check(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.passed && errors.Is(err, errFull) {
		// The connections of the pool still work. If every instance became not ready for
		// want of one more connection, no user would be served.
		err = nil
	}
	h.result, h.checked, h.passed = err, h.now(), h.passed || err == nil
	return err
}

func (h *Health) check(ctx context.Context) error {
	result, err := h.read(ctx)
	if err != nil && lost(err) {
		// The connection may have died since its last use: try another one.
		result, err = h.read(ctx)
	}
	if errors.Is(err, errLossyPooler) {
		return errLossyPooler
	}
	if err != nil {
		return diagnose(err)
	}
	return result.fault(h.required)
}

func (h *Health) read(ctx context.Context) (result health, err error) {
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	conn, err := h.pool.pgx.Acquire(limited)
	if err != nil {
		return result, err
	}
	defer conn.Release()
	if result, err = readHealth(limited, conn.Conn()); err != nil || !h.prepares || !behindPooler(conn.Conn(), result.session) {
		return result, err
	}
	return result, h.checkStatements(ctx, conn.Conn())
}

// checkStatements returns errLossyPooler or nil. It opens a second connection only when the
// first one is new.
func (h *Health) checkStatements(ctx context.Context, conn *pgx.Conn) (err error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	if h.keeps == conn {
		err = executePrepared(ctx, conn)
	} else if err = checkStatements(ctx, conn); err == nil {
		h.keeps = conn
	}
	if errors.Is(err, errLossyPooler) {
		_ = conn.Close(ctx) // its session has statements of other connections
		return errLossyPooler
	}
	return nil // there was no second connection, for example: the next check tries again
}

// Close closes the connection of the check.
func (h *Health) Close(ctx context.Context) error { return h.pool.Close(ctx) }
