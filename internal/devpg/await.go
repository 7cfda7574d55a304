// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// cannotConnectNow is Postgres' code for "starting up", "shutting down" and "in recovery".
const cannotConnectNow = "57P03"

// await returns when the server answers, or with the reason why it never will.
func (s *Server) await(ctx context.Context) error {
	for {
		answer, err := s.ask(ctx)
		var (
			refusal    *pgconn.PgError
			unreadable *pgconn.ParseConfigError
		)
		switch {
		case err == nil && answer == s.nonce:
			return nil
		case err == nil:
			// Our own postgres is about to fail on the other one's lock, but the socket already answers.
			return fmt.Errorf("another server (%q) answers in %s", answer, s.socket)
		case errors.As(err, &refusal) && refusal.Code != cannotConnectNow, errors.As(err, &unreadable):
			return fmt.Errorf("connect as superuser: %w", err)
		}
		select {
		case <-s.done:
			return fmt.Errorf("postgres ended (%v): %s", s.exit, s.out) //nolint:errorlint // the exit may be clean
		case <-ctx.Done():
			return fmt.Errorf("%w (last attempt: %w; last output of postgres: %s)", context.Cause(ctx), err, s.out)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ask returns the cluster_name of the server on the socket.
func (s *Server) ask(ctx context.Context) (string, error) {
	if _, err := os.Lstat(filepath.Join(s.socket, ".s.PGSQL."+port)); err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, s.URL("postgres", "postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var name string
	err = conn.QueryRow(ctx, "select current_setting('cluster_name')").Scan(&name)
	return name, err
}
