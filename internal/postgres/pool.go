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

// A caller hears within two seconds that the database is away, so everything
// that can wait for a connection waits less.
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

// CheckURL tells what is wrong with a connection string, without connecting.
// The error never repeats the string, which may hold a password.
func CheckURL(connString string) error {
	_, err := parse(connString)
	return err
}

// Pool is a set of connections to one database (or to several hosts that are
// one database, as libpq connection strings may name).
type Pool struct {
	pgx *pgxpool.Pool
	// prepares tells whether statements that were prepared stay with a connection. The
	// connection string says otherwise where a pooler stands between that loses them.
	prepares bool
}

// Open prepares a pool. It does not connect: a database that is away makes no
// error here, but one at each use, until it is back. maxConns of zero takes
// pool_max_conns of the connection string, or a size that suits the machine.
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

func open(ctx context.Context, config *pgxpool.Config) (*Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return &Pool{pgx: pool, prepares: preparing(config)}, nil
}

// preparing tells whether statements are to be prepared.
func preparing(config *pgxpool.Config) bool {
	return config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}

func parse(connString string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, urlError(err)
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("unsafe: default_query_exec_mode=simple_protocol puts values into SQL text; behind an old PgBouncer use exec")
	}
	setDefaults(config, connString)
	return config, nil
}

// urlError says what pgx found, without the string that it quotes: pgx masks a
// password only in strings that it understood well enough to find one.
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

// setDefaults fills in what the connection string leaves open.
func setDefaults(config *pgxpool.Config, connString string) {
	if silent(connString, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if silent(connString, "pool_max_conns") {
		config.MaxConns = max(minPoolSize, 4*int32(runtime.GOMAXPROCS(0))) //nolint:gosec // a number of processors fits
	}
	if silent(connString, "pool_ping_timeout") {
		config.PingTimeout = pingTimeout
	}
	if silent(connString, "pool_max_conn_lifetime") {
		config.MaxConnLifetime = connLifetime
		config.MaxConnLifetimeJitter = connLifetime / 10
	}
	if silent(connString, "pool_health_check_period") {
		config.HealthCheckPeriod = healthCheckPeriod
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "reporting"
	}
	// Text is compared and answered as UTF-8, whatever the database stores.
	params["client_encoding"] = "UTF8"
}

// silent tells whether a connection string leaves an option open.
func silent(connString, option string) bool { return !strings.Contains(connString, option) }

// Close closes the pool. It waits for connections that are in use, but not
// beyond ctx: pgx alone would wait for ever.
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

// acquire waits for a connection, but not for long: a pool that stays empty is
// an error of its own, told apart from a slow query.
func (p *Pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := p.pgx.Acquire(wait)
	if err != nil {
		return nil, domainError(ctx, err)
	}
	return conn, nil
}

// Stats are the pool's figures at one moment; the counts only grow.
type Stats struct {
	Max, Total, Idle, Acquired int32         // connections
	AcquireCount               int64         // connections handed out
	EmptyAcquireCount          int64         // of these, after waiting
	CanceledAcquireCount       int64         // given up while waiting
	EmptyAcquireWait           time.Duration // time waited in all
}

// Stats returns the pool's figures.
func (p *Pool) Stats() Stats {
	s := p.pgx.Stat()
	return Stats{
		Max:                  s.MaxConns(),
		Total:                s.TotalConns(),
		Idle:                 s.IdleConns(),
		Acquired:             s.AcquiredConns(),
		AcquireCount:         s.AcquireCount(),
		EmptyAcquireCount:    s.EmptyAcquireCount(),
		CanceledAcquireCount: s.CanceledAcquireCount(),
		EmptyAcquireWait:     s.EmptyAcquireWaitTime(),
	}
}
