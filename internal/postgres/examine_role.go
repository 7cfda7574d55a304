// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"reporting/internal/doctor"
)

type roleFacts struct {
	current, session                  string // whose rights hold, and who logged in
	super, bypass, loginSuper         bool
	reader, owner                     bool
	table, writes, rowSecurity, bound bool
	requester, more                   bool // it takes orders; it acts as those who make reports
}

// The rights of a role that does not exist are null.
const roleQuestion = `
select current_user, session_user, c.rolsuper, c.rolbypassrls, s.rolsuper,
       coalesce(pg_has_role(c.oid, (select oid from pg_roles where rolname = 'reporting_reader'), 'usage'), false),
       coalesce(pg_has_role(c.oid, (select oid from pg_roles where rolname = 'reporting_owner'), 'usage'), false),
       t.oid is not null,
       coalesce(has_table_privilege(t.oid, 'insert, update, delete, truncate') or has_any_column_privilege(t.oid, 'insert, update'), false),
       coalesce((select relrowsecurity from pg_class where oid = t.oid), false),
       coalesce(row_security_active(t.oid), false),
       coalesce(pg_has_role(c.oid, (select oid from pg_roles where rolname = 'reporting_requester'), 'member'), false),
       coalesce(pg_has_role(c.oid, (select oid from pg_roles where rolname = 'reporting_producer'), 'member'), false)
       or coalesce(pg_has_role(c.oid, (select oid from pg_roles where rolname = 'reporting_worker'), 'member'), false)
  from pg_roles c, pg_roles s, (select to_regclass('report_job')::oid) t (oid)
 where c.rolname = current_user and s.rolname = session_user`

func (e *Examination) role(ctx context.Context) ([]doctor.Finding, error) {
	var f roleFacts
	if err := e.question(ctx, roleQuestion, nil, &f.current, &f.session, &f.super, &f.bypass, &f.loginSuper,
		&f.reader, &f.owner, &f.table, &f.writes, &f.rowSecurity, &f.bound, &f.requester, &f.more); err != nil {
		return nil, err
	}
	if !f.table {
		return []doctor.Finding{{Result: doctor.NotRun, Text: "there is no table report_job yet, or the login may not see it"}}, nil
	}
	found := []doctor.Finding{e.wall(f)}
	if found[0].Result == doctor.OK {
		leak, err := e.leak(ctx)
		if err != nil {
			return found, err
		}
		found = append(found, leak)
	}
	alone := "reporting_reader alone"
	if e.Reports {
		alone = "reporting_reader and reporting_requester alone (and workers another one, in REPORTING_WORKER_DATABASE_URL)"
	}
	ordering := e.Reports && f.requester && !f.more // one order after the other, for one user
	if f.writes && !f.super && !f.owner && !ordering {
		found = append(found, doctor.Doubt("give the service a login of its own, in "+alone, "the login may also write jobs (as %s)", f.current))
	}
	if f.loginSuper && !f.super {
		found = append(found, doctor.Doubt("give the service a login of its own, in reporting_reader alone",
			"the service acts as %s, but logs in as a superuser (%s)", f.current, f.session))
	}
	return found, nil
}

// wall says what readiness would, and why.
func (e *Examination) wall(f roleFacts) doctor.Finding {
	switch {
	case !f.rowSecurity:
		return e.finding(errRowSecurityOff, "")
	case f.super:
		return e.finding(errRowSecurityBypassed, f.current+" is a superuser")
	case f.bypass:
		return e.finding(errRowSecurityBypassed, f.current+" has BYPASSRLS")
	case f.owner:
		return e.finding(errRowSecurityBypassed, f.current+" is a member of reporting_owner")
	case !f.reader:
		return e.finding(errRowSecurityBypassed, f.current+" is no member of reporting_reader")
	case !f.bound:
		return e.finding(errRowSecurityBypassed, f.current+" owns the table, or acts for who does")
	}
	return doctor.Good("%s is a member of reporting_reader, and held by row-level security", f.current)
}

// leak asks for anybody's jobs in the name of nobody, as a query would that forgot whose
// it wants. An index keeps that from reading the whole table.
func (e *Examination) leak(ctx context.Context) (doctor.Finding, error) {
	tx, err := e.conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return doctor.Finding{}, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "set local enable_seqscan = off"); err != nil {
		return doctor.Finding{}, fmt.Errorf("prepare to ask: %w", err)
	}
	var seen bool
	if err := tx.QueryRow(ctx, "select exists (select from report_job)").Scan(&seen); err != nil {
		return doctor.Finding{}, fmt.Errorf("ask for nobody's jobs: %w", err)
	}
	if seen {
		return doctor.Bad("see which policies of report_job let it (\\d report_job in psql), and what was set for the role (reporting.user_id)",
			"a query that forgets whose jobs it wants is shown some: row-level security does not hold"), nil
	}
	return doctor.Good("a query that forgets whose jobs it wants is shown none"), nil
}
