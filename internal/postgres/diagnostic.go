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

// Diagnostic is a fault of the database, and what an operator can do about it. It holds no
// secrets. Readiness, the log and the doctor show it.
type Diagnostic struct{ Problem, Remedy string } //nolint:errname // the doctor shows it as a finding

// Error returns the problem and the remedy.
func (d Diagnostic) Error() string {
	if d.Remedy == "" {
		return d.Problem
	}
	return d.Problem + ": " + d.Remedy
}

var (
	// errFull means that the server has no connection to spare.
	errFull = Diagnostic{"the database accepts no more connections (SQL state 53300)", "raise its limit or the role's, or lower pool_max_conns"}

	errRowSecurityOff = Diagnostic{
		"row-level security is off for the table report_job, so a faulty query could show a user the jobs of others",
		"alter table report_job enable row level security",
	}
	errRowSecurityBypassed = Diagnostic{
		"row-level security does not apply to the database role, so a faulty query could show a user the jobs of others, or none",
		"give the service a login that is a member of reporting_reader and neither a superuser, nor BYPASSRLS, nor a member of reporting_owner",
	}
	errLossyPooler = Diagnostic{
		"the pooler in front of the database loses prepared statements",
		"add default_query_exec_mode=exec to REPORTING_DATABASE_URL, or, with PgBouncer 1.21 or later, set max_prepared_statements",
	}
	errSharedSessions = Diagnostic{
		"a pooler in transaction mode shares sessions between connections, so the lock that keeps two migrations apart does not hold",
		"connect to the database itself, or through a pool in session mode",
	}
)

// health is what one query tells about the database.
type health struct {
	version     int64  // of the schema
	rowSecurity bool   // the table has row-level security
	restricted  bool   // the policies for readers apply to the role
	session     uint32 // PID of the server's process
}

// readHealth also tries the right to read jobs: without it, it returns an error.
func readHealth(ctx context.Context, conn *pgx.Conn) (h health, err error) {
	// That some policy applies is not enough: the one for readers shows the rows of one user.
	err = conn.QueryRow(ctx, `
		select coalesce(max(version_id), 0),
		       (select relrowsecurity from pg_class where oid = 'report_job'::regclass),
		       row_security_active('report_job') and pg_has_role(current_user, 'reporting_reader', 'usage'),
		       pg_backend_pid(),
		       exists (select from report_job where false)
		  from `+versionTable+` where is_applied`).Scan(&h.version, &h.rowSecurity, &h.restricted, &h.session, new(bool))
	return h, err
}

// fault returns what is wrong with the schema or the role, or nil. required is the schema
// version that this program needs.
func (h health) fault(required int64) error {
	switch {
	case h.version < required:
		return Diagnostic{fmt.Sprintf("schema version %d is older than %d", h.version, required), `run "reporting migrate"`}
	case !h.rowSecurity:
		return errRowSecurityOff
	case !h.restricted:
		return errRowSecurityBypassed
	}
	return nil
}

// diagnose says what an error of readHealth means. It leaves out what the error quotes.
func diagnose(err error) Diagnostic {
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

// detail returns the innermost message of a connection error. pgx puts neither the password
// nor the connection string into it.
func detail(err error) string {
	if failed, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = failed.Unwrap()
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Message
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }) // one for each host
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "; ")
}
