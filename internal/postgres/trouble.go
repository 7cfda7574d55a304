// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// trouble is what is wrong with a database, and what to do about it, in words that an
// operator may see. It is an error for readiness and a finding for the doctor.
type Diagnostic struct{ Problem, Remedy string }

// Error says both.
func (t Diagnostic) Error() string {
	if t.Remedy == "" {
		return t.Problem
	}
	return t.Problem + ": " + t.Remedy
}

var (
	// errFull means that the server has no connection to spare.
	errFull = Diagnostic{"the database accepts no more connections (SQL state 53300)", "raise its limit or the role's, or lower pool_max_conns"}

	// The login is not held by the policies for readers: it would see everybody's rows,
	// should a query forget to ask for one user's, or it sees none.
	errRowSecurityOff = Diagnostic{
		"row-level security, which keeps users' jobs apart, is off for the table report_job",
		"alter table report_job enable row level security",
	}
	errRowSecurityBypassed = Diagnostic{
		"the database role is not held by row-level security, which keeps users' jobs apart",
		"give the service a login that is a member of reporting_reader and neither a superuser, nor BYPASSRLS, nor a member of reporting_owner",
	}

	errLossyPooler = Diagnostic{
		"the pooler in front of the database loses prepared statements",
		"add default_query_exec_mode=exec to REPORTING_DATABASE_URL, or, with PgBouncer 1.21 or later, set max_prepared_statements",
	}
	errTransactionPooling = Diagnostic{
		"the connection goes through a pooler that shares sessions (transaction mode), where the lock that keeps two migrations apart does not hold",
		"connect to the database itself, or through a pool in session mode",
	}
)

type healthAnswer struct {
	applied int64  // version of the schema
	wall    bool   // whether the table has row-level security
	walled  bool   // whether the policies for readers hold for us
	session uint32 // PID of the server's process
	lossy   bool   // whether a pooler loses prepared statements
}

// askHealth also finds out whether the jobs may be read: an error says if not.
func askHealth(ctx context.Context, conn *pgx.Conn) (a healthAnswer, err error) {
	// The last column is about the right to read the table, not its rows. That some
	// policy holds is not enough: the one for readers shows the rows of one user.
	err = conn.QueryRow(ctx, `
		select coalesce(max(version_id), 0),
		       (select relrowsecurity from pg_class where oid = 'report_job'::regclass),
		       row_security_active('report_job') and pg_has_role(current_user, 'reporting_reader', 'usage'),
		       pg_backend_pid(),
		       exists (select from report_job where false)
		  from `+versionTable+` where is_applied`).Scan(&a.applied, &a.wall, &a.walled, &a.session, new(bool))
	return a, err
}

// judge says what is wrong with what the database told. required is the version of the
// schema that this program needs.
func (a healthAnswer) judge(required int64) error {
	switch {
	case a.applied < required:
		return Diagnostic{fmt.Sprintf("schema version %d is older than %d", a.applied, required), `run "reporting migrate"`}
	case !a.wall:
		return errRowSecurityOff
	case !a.walled:
		return errRowSecurityBypassed
	}
	return nil
}

// explainHealth says what an error means, without what it quotes.
func explainHealth(err error) Diagnostic {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) {
			return Diagnostic{Problem: "the database does not answer in time"}
		}
		return Diagnostic{Problem: "the database cannot be reached"}
	}
	switch pg.Code {
	case "53300": // too_many_connections
		return errFull
	case "3D000": // invalid_catalog_name
		return Diagnostic{"the database does not exist (SQL state 3D000)", "check REPORTING_DATABASE_URL"}
	case "42P01": // undefined_table
		return Diagnostic{"the database has no schema (SQL state 42P01)", `run "reporting migrate"`}
	case "42501": // insufficient_privilege
		return Diagnostic{"the database role may not read the tables (SQL state 42501)", "make it a member of reporting_reader"}
	case "28P01", "28000": // wrong password, or refused by pg_hba.conf
		return Diagnostic{fmt.Sprintf("the database refuses the login (SQL state %s)", pg.Code), "check REPORTING_DATABASE_URL"}
	}
	return Diagnostic{Problem: "the database answers with SQL state " + pg.Code}
}

// why is what the innermost of a connection's errors says. None of them holds the
// password; the connection string is in none but those of reading it.
func why(err error) string {
	if failed, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = failed.Unwrap()
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Message
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }) // one for each try
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "; ")
}
