// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/postgres/coalesce"
	"reporting/internal/report"
)

// errStalled is the cause with which a statement's time ends.
var errStalled = coalesce.ErrTimeout

// domainError gives a failure its kind, unless it has one. ctx is the caller's.
func domainError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &report.Error{Kind: report.Disconnected, Cause: err}
	}
	if known, ok := errors.AsType[*report.Error](err); ok {
		return known
	}
	if lostStatements(err) {
		err = fmt.Errorf("%w (%w)", errLossyPooler, err)
	}
	return &report.Error{Kind: kindOf(err), Cause: err}
}

// kindOf maps SQL states (PostgreSQL manual, appendix A) and network errors to the kinds of
// temporary failures. All others are internal.
func kindOf(err error) report.Kind {
	if errors.Is(err, coalesce.ErrTimeout) {
		return report.Timeout
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return kindOfState(pg.Code)
	}
	if lost(err) || errors.Is(err, coalesce.ErrNoSlot) {
		return report.Unavailable
	}
	return report.Internal
}

func kindOfState(state string) report.Kind {
	switch state {
	case "57014", // query_canceled: a statement_timeout of the role or server
		"55P03", // lock_not_available
		"40P01": // deadlock_detected
		return report.Timeout
	case "57P01", // admin_shutdown
		"57P02", // crash_shutdown
		"57P03", // cannot_connect_now: starting up, or shutting down
		"57P05", // idle_session_timeout
		"25006": // read_only_sql_transaction: a standby instead of a primary
		return report.Unavailable
	}
	switch {
	case strings.HasPrefix(state, "08"), // connection exception
		strings.HasPrefix(state, "53"): // out of connections, memory or disk
		return report.Unavailable
	}
	return report.Internal
}

// lost returns true when the connection failed, and not the query.
func lost(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return kindOfState(pg.Code) == report.Unavailable
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	// context.DeadlineExceeded is a net.Error: no connection became free in time.
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}

// stale returns true when the prepared statements of a connection are useless: the table
// has changed, or a pooler has lost them.
func stale(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return lostStatements(err) || ok && pg.Code == "0A000" // feature_not_supported: "cached plan must not change result type"
}

// lostStatements returns true when a pooler has moved the connection to a session without
// its prepared statements, or to one that has those of another connection.
func lostStatements(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "26000" || // invalid_sql_statement_name
		pg.Code == "42P05") // duplicate_prepared_statement
}
