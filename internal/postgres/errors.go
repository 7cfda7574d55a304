// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// errStalled is the cause with which a statement's time ends.
var errStalled = errors.New("the database did not answer within the statement timeout")

// domainError gives a failure its kind. ctx is the caller's.
func domainError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &report.Error{Kind: report.Disconnected, Cause: err}
	}
	return &report.Error{Kind: kindOf(err), Cause: err}
}

// kindOf knows the SQL states (PostgreSQL manual, appendix A) and network
// errors that pass by themselves. What it does not know will not.
func kindOf(err error) report.Kind {
	if errors.Is(err, errStalled) {
		return report.Timeout
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return kindOfState(pg.Code)
	}
	if lost(err) {
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
		"25006": // read_only_sql_transaction: a standby where a primary was asked for
		return report.Unavailable
	}
	switch {
	case strings.HasPrefix(state, "08"), // connection exception
		strings.HasPrefix(state, "53"): // out of connections, memory or disk
		return report.Unavailable
	}
	return report.Internal
}

// lost tells whether err means that the connection, not the query, failed.
func lost(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return kindOfState(pg.Code) == report.Unavailable
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	// Also a deadline of ours, context.DeadlineExceeded: no connection came in time.
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}

// stale tells whether a connection's prepared statements are of no use any more: the
// table has changed, or something between us and the server has lost them.
func stale(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "26000" || // invalid_sql_statement_name
		pg.Code == "0A000") // feature_not_supported: "cached plan must not change result type"
}
