// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A pooler is a program such as PgBouncer that stands between a client and the server. In
// transaction mode its connections share sessions of the server.

// behindPooler returns true when the session is another one than the connection was told at
// its start. A pooler makes that number up, because a connection has no session then.
func behindPooler(conn *pgx.Conn, session uint32) bool { return conn.PgConn().PID() != session }

// checkStatements returns errLossyPooler when conn loses prepared statements. It prepares and
// executes a statement, does the same on a second connection, and executes it on the first
// one again. Both connections use one name, so that in a shared session it exists already.
func checkStatements(ctx context.Context, conn *pgx.Conn) error {
	second, err := pgx.ConnectConfig(ctx, conn.Config())
	if err != nil {
		return fmt.Errorf("open second connection: %w", err)
	}
	defer func() { _ = second.Close(context.WithoutCancel(ctx)) }()
	for _, c := range []*pgx.Conn{conn, second} {
		if err := executePrepared(ctx, c); err != nil {
			return err
		}
	}
	return executePrepared(ctx, conn)
}

// executePrepared executes a statement. It prepares the statement once for each connection.
func executePrepared(ctx context.Context, conn *pgx.Conn) error {
	const name = "reporting_health"
	_, err := conn.Prepare(ctx, name, "select 1")
	if err == nil {
		_, err = conn.PgConn().ExecPrepared(ctx, name, nil, nil, nil).Close()
	}
	if lostStatements(err) {
		return errLossyPooler
	}
	if err != nil {
		return fmt.Errorf("execute prepared statement: %w", err)
	}
	return nil
}

// refuseSharedSessions returns an error when two connections are in one session, or one is
// in two. The lock that keeps two migrations apart would not hold there.
func refuseSharedSessions(ctx context.Context, config *pgx.ConnConfig) error {
	var conns [2]*pgx.Conn
	for i := range conns {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		conns[i] = conn
	}
	var sessions [3]int64
	for i, conn := range []*pgx.Conn{conns[0], conns[1], conns[0]} {
		if err := conn.QueryRow(ctx, "select pg_backend_pid()", pgx.QueryExecModeExec).Scan(&sessions[i]); err != nil {
			return fmt.Errorf("migrate: read session: %w", err)
		}
	}
	if sessions[0] == sessions[1] || sessions[0] != sessions[2] {
		return fmt.Errorf("migrate: %w", errSharedSessions)
	}
	return nil
}
