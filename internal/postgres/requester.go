// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CheckRequester returns nil when the login may take orders for reports, and otherwise a
// Diagnostic. An error of type *report.Error means that the database failed, so that
// nothing is known.
func (p *Pool) CheckRequester(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, workerCheckTimeout)
	defer cancel()
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = actAsRequester(ctx, conn.Conn())
	if _, ok := errors.AsType[Diagnostic](err); ok || err == nil {
		return err
	}
	return domainError(ctx, err)
}

// actAsRequester tries to act as RequesterRole, in a transaction that it rolls back.
func actAsRequester(ctx context.Context, conn *pgx.Conn) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var login string
	if err := tx.QueryRow(ctx, "select session_user").Scan(&login); err != nil {
		return fmt.Errorf("read login: %w", err)
	}
	if _, err := tx.Exec(ctx, actFor, RequesterRole, ""); err != nil {
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
			switch pg.Code {
			case "42501": // insufficient_privilege
				return Diagnostic{"the login " + login + " may not act as " + RequesterRole + ", so that no report can be ordered", "grant " + RequesterRole + " to " + login}
			case "22023", "42704": // invalid_parameter_value, undefined_object
				return Diagnostic{"there is no role " + RequesterRole, `run "reporting migrate"`}
			}
		}
		return fmt.Errorf("act as %s: %w", RequesterRole, err)
	}
	return nil
}
