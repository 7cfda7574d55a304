// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

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
	way      way
	now      func() time.Time

	mu      sync.Mutex
	flight  chan struct{} // closed when the check that is under way ends; nil: none is
	checked time.Time     // when the last one ended
	result  error
	passed  bool // one has succeeded
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
	config.MaxConns = 1
	// Its own question is well behind any pooler.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := open(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Health{pool: pool, required: required, way: way{matters: prepares, now: now}, now: now}, nil
}

// Check returns nil when the database answers, holds the schema that this
// program needs, lets us read it, and keeps the statements that we prepare. The error says what to do, in words that
// an operator may see. However many ask, one check runs at a time, all of them
// wait for that one, and its result counts for a second.
func (h *Health) Check(ctx context.Context) error {
	h.mu.Lock()
	if !h.checked.IsZero() && h.now().Sub(h.checked) < healthTTL {
		defer h.mu.Unlock()
		return h.result
	}
	if h.flight == nil {
		h.flight = make(chan struct{})
		// Not the asker's context: the others want the result as well.
		go h.run(context.WithoutCancel(ctx))
	}
	flight := h.flight
	h.mu.Unlock()
	select {
	case <-flight:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.result
	case <-ctx.Done():
		return errors.New("the check was given up")
	}
}

func (h *Health) run(ctx context.Context) {
	err := h.check(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.passed && errors.Is(err, errFull) {
		// The connections that the pool has go on working. If every instance
		// left the balancer for want of one more, nobody would be served.
		err = nil
	}
	h.result, h.checked, h.passed = err, h.now(), h.passed || err == nil
	close(h.flight)
	h.flight = nil
}

// errFull means that the server has no connection to spare.
var errFull = errors.New("the database accepts no more connections (SQL state 53300): " +
	"raise its limit or the role's, or lower pool_max_conns")

// The login is not held by the policies for readers: it would see everybody's rows,
// should a query forget to ask for one user's, or it sees none.
var (
	errWallOff = errors.New("row-level security, which keeps users' jobs apart, is off for the table report_job: " +
		"alter table report_job enable row level security")
	errNoWall = errors.New("the database role is not held by row-level security, which keeps users' jobs apart: " +
		"give the service a login that is a member of reporting_reader and neither a superuser, nor BYPASSRLS, nor a member of reporting_owner")
)

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
	if answer.applied < h.required {
		return fmt.Errorf("schema version %d is older than %d: run \"reporting migrate\"", answer.applied, h.required)
	}
	switch {
	case !answer.wall:
		return errWallOff
	case !answer.walled:
		return errNoWall
	case answer.lossy:
		return errLossyPooler
	}
	return nil
}

type healthAnswer struct {
	applied int64 // version of the schema
	wall    bool  // whether the table has row-level security
	walled  bool  // whether the policies for readers hold for us
	lossy   bool  // whether a pooler loses prepared statements
}

// ask also finds out whether the jobs may be read.
func (h *Health) ask(ctx context.Context) (a healthAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	conn, err := h.pool.pgx.Acquire(ctx)
	if err != nil {
		return a, err
	}
	defer conn.Release()
	var pid uint32
	// The last column is about the right to read the table, not its rows. That some
	// policy holds is not enough: the one for readers shows the rows of one user.
	err = conn.QueryRow(ctx, `
		select coalesce(max(version_id), 0),
		       (select relrowsecurity from pg_class where oid = 'report_job'::regclass),
		       row_security_active('report_job') and pg_has_role(current_user, 'reporting_reader', 'usage'),
		       pg_backend_pid(),
		       exists (select from report_job where false)
		  from `+versionTable+` where is_applied`).Scan(&a.applied, &a.wall, &a.walled, &pid, new(bool))
	if err == nil {
		a.lossy = h.way.loses(context.WithoutCancel(ctx), conn.Conn(), pid)
	}
	return a, err
}

func explainHealth(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) {
			return errors.New("the database does not answer in time")
		}
		return errors.New("the database cannot be reached")
	}
	switch pg.Code {
	case "53300": // too_many_connections
		return errFull
	case "3D000": // invalid_catalog_name
		return errors.New("the database does not exist (SQL state 3D000): check REPORTING_DATABASE_URL")
	case "42P01": // undefined_table
		return errors.New("the database has no schema (SQL state 42P01): run \"reporting migrate\"")
	case "42501": // insufficient_privilege
		return errors.New("the database role may not read the tables (SQL state 42501): make it a member of reporting_reader")
	case "28P01", "28000": // wrong password, or refused by pg_hba.conf
		return fmt.Errorf("the database refuses the login (SQL state %s): check REPORTING_DATABASE_URL", pg.Code)
	}
	return fmt.Errorf("the database answers with SQL state %s", pg.Code)
}

// Close closes the check's connection.
func (h *Health) Close(ctx context.Context) error { return h.pool.Close(ctx) }
