// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A client gets an error within two seconds when the database is away, so every wait for
// a connection is shorter.
const (
	acquireTimeout = 1500 * time.Millisecond
	connectTimeout = time.Second
	pingTimeout    = 500 * time.Millisecond
)

const (
	connLifetime      = 30 * time.Minute
	healthCheckPeriod = 10 * time.Second
	minPoolSize       = 8
)

// CheckURL validates a connection string, without connecting. Its error does not contain
// the string, which may hold a password.
func CheckURL(connString string) error {
	_, err := parse(connString)
	return err
}

// Pool is a set of connections to one database, which may have several hosts (as in a libpq
// connection string).
type Pool struct {
	pgx      *pgxpool.Pool
	prepares bool // statements are prepared; the connection string turns it off for poolers that lose them
}

// Open prepares a pool. It does not connect: while the database is away, each use of the
// pool returns an error, and Open does not. If maxConns is zero, the size is pool_max_conns
// of the connection string, or depends on the number of processors.
func Open(ctx context.Context, connString string, maxConns int32) (*Pool, error) {
	config, err := parse(connString)
	if err != nil {
		return nil, err
	}
	if maxConns > 0 {
		config.MaxConns = maxConns
	}
	return open(ctx, config)
}

// OpenAs is Open for sessions that act as a role.
func OpenAs(ctx context.Context, connString, role string, maxConns int32) (*Pool, error) {
	config, err := parse(connString)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["role"] = role
	config.MaxConns = maxConns
	return open(ctx, config)
}

// Sessions returns the pool of pgx, for the queue, which has its own SQL.
func (p *Pool) Sessions() *pgxpool.Pool { return p.pgx }

func open(ctx context.Context, config *pgxpool.Config) (*Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return &Pool{pgx: pool, prepares: preparing(config)}, nil
}

// preparing returns true when statements are to be prepared.
func preparing(config *pgxpool.Config) bool {
	return config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}

func parse(connString string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, urlError(err)
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("unsafe: default_query_exec_mode=simple_protocol puts values into SQL text: use exec instead")
	}
	setDefaults(config, connString)
	return config, nil
}

// urlError returns pgx's error without the connection string that it quotes. pgx masks a
// password only in a string that it can parse.
func urlError(err error) error {
	const form = "not a usable Postgres connection string: check its form " +
		"(postgres://user@host:5432/database or key=value pairs) and its options"
	_, unreadable := errors.AsType[*url.Error](err)
	config, quotes := errors.AsType[*pgconn.ParseConfigError](err)
	switch {
	case unreadable, quotes && errors.Unwrap(config) == nil:
		return errors.New(form)
	case quotes:
		return fmt.Errorf("not usable: %w", errors.Unwrap(config))
	}
	return fmt.Errorf("not usable: %w", err)
}

// setDefaults sets the options that the connection string does not.
func setDefaults(config *pgxpool.Config, connString string) {
	if unset(connString, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if unset(connString, "pool_max_conns") {
		config.MaxConns = max(minPoolSize, 4*int32(runtime.GOMAXPROCS(0))) //nolint:gosec // a number of processors fits
	}
	if unset(connString, "pool_ping_timeout") {
		config.PingTimeout = pingTimeout
	}
	if unset(connString, "pool_max_conn_lifetime") {
		config.MaxConnLifetime = connLifetime
		config.MaxConnLifetimeJitter = connLifetime / 10
	}
	if unset(connString, "pool_health_check_period") {
		config.HealthCheckPeriod = healthCheckPeriod
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "reporting"
	}
	// Text is compared and sent as UTF-8, whatever the encoding of the database.
	params["client_encoding"] = "UTF8"
}

// unset returns true when a connection string does not set an option.
func unset(connString, option string) bool { return !strings.Contains(connString, option) }

// Close closes the pool. It waits for connections that are in use until ctx ends. pgx alone
// would wait for ever.
func (p *Pool) Close(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		p.pgx.Close()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close pool: %d connections still in use: %w", p.pgx.Stat().AcquiredConns(), ctx.Err())
	}
}

// acquire waits for a connection until acquireTimeout. A pool without a free connection is
// Unavailable, and not a slow query.
func (p *Pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := p.pgx.Acquire(wait)
	if err != nil {
		return nil, domainError(ctx, err)
	}
	return conn, nil
}

// MaxConnections is the largest number of connections that the pool opens.
func (p *Pool) MaxConnections() int { return int(p.pgx.Config().MaxConns) }
