// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/doctor"
)

// What migrations make for reports, besides the table of jobs. A test holds it equal to
// what they do make.
var (
	neededTables        = strings.Fields("report_binary report_binary_piece report_binary_version report_job report_attempt")
	neededReportIndexes = strings.Fields(`report_binary_by_user report_binary_job_id_key report_binary_orphaned report_binary_piece_pkey report_binary_pkey
		report_binary_version_pkey report_attempt_due report_attempt_pkey`)
	neededReportGuards = strings.Fields(`report_binary_job_id_fkey report_binary_piece_binary_id_version_fkey report_binary_piece_size report_binary_user_id_length
		report_binary_version_binary_id_fkey report_binary_version_content_type report_binary_version_counts report_attempt_attempt report_attempt_job_id_fkey
		report_attempt_progress_length`)
	neededReportPolicies = strings.Fields(`report_binary_anyone report_binary_own report_binary_piece_anyone report_binary_piece_own
		report_binary_version_anyone report_binary_version_own report_attempt_anyone report_attempt_own report_attempt_producer`)
	neededQueueIndexes = strings.Fields(`river_job_args_index river_job_kind river_job_metadata_index river_job_pkey river_job_prioritized_fetching_index
		river_job_state_and_finalized_at_index river_job_unique_idx river_leader_pkey river_migration_pkey1 river_notification_created_at_idx
		river_notification_pkey river_notification_topic_id_idx river_queue_pkey`)
	neededGrants = grants()
)

// grants are what the roles need, as "role right table" or "role right table.column".
func grants() (all []string) {
	const (
		results = "report_binary report_binary_piece report_binary_version"
		queue   = "river_job river_leader river_migration river_notification river_queue"
		numbers = "river_job_id_seq river_notification_id_seq"
	)
	for _, g := range []struct{ role, rights, on string }{
		{ReaderRole, "select", results + " report_attempt"},
		{RequesterRole, "insert select", "report_job report_attempt river_job"},
		{RequesterRole, "insert select", results},
		{RequesterRole, "delete", "report_binary_version"},
		{RequesterRole, "update", "report_binary.deleted_at report_job.ended_at report_job.status river_job.kind"},
		{RequesterRole, "usage", numbers},
		{WorkerRole, "delete select", "report_job"},
		{WorkerRole, "select update", "report_attempt"},
		{WorkerRole, "update", "report_job.ended_at report_job.failure_reason report_job.started_at report_job.status"},
		{WorkerRole, "delete insert select update", results + " " + queue},
		{WorkerRole, "usage", numbers},
	} {
		for right := range strings.FieldsSeq(g.rights) {
			for name := range strings.FieldsSeq(g.on) {
				all = append(all, g.role+" "+right+" "+name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Each tells the names of what is there and works.
const (
	reportTables = `('report_binary', 'report_binary_version', 'report_binary_piece', 'report_attempt')`

	workingTables = `select c.relname from pg_class c where c.oid in (to_regclass('report_binary'), to_regclass('report_binary_version'),
		to_regclass('report_binary_piece'), to_regclass('report_attempt'), to_regclass('report_job')) and c.relrowsecurity`
	workingReportIndexes = `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
		where t.relname in ` + reportTables + ` and pg_table_is_visible(t.oid) and i.indisvalid and i.indisready and i.indislive`
	workingReportGuards = `select conname from pg_constraint o join pg_class t on t.oid = o.conrelid
		where t.relname in ` + reportTables + ` and pg_table_is_visible(t.oid) and contype in ('c', 'f') and convalidated`
	workingReportPolicies = `select polname from pg_policy p join pg_class t on t.oid = p.polrelid
		where t.relname in ` + reportTables + ` and pg_table_is_visible(t.oid) and polpermissive = (polname not like '%\_own')`
	workingQueueIndexes = `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
		where t.relname like 'river\_%' and pg_table_is_visible(t.oid) and i.indisvalid and i.indisready and i.indislive`
	workingGrants = `select r.rolname || ' ' || lower(a.privilege_type) || ' ' || c.relname || coalesce('.' || a.attname, '')
		from pg_class c
		cross join lateral (
			select grantee, privilege_type, null::name as attname from aclexplode(c.relacl)
			union all
			select x.grantee, x.privilege_type, t.attname from pg_attribute t, aclexplode(t.attacl) x where t.attrelid = c.oid) a
		join pg_roles r on r.oid = a.grantee
		where pg_table_is_visible(c.oid) and (c.relname like 'river\_%' and r.rolname in ('reporting_requester', 'reporting_worker')
		   or c.relname in ` + reportTables + ` and r.rolname in ('reporting_reader', 'reporting_requester', 'reporting_worker')
		   or c.relname = 'report_job' and r.rolname in ('reporting_requester', 'reporting_worker'))`
)

// reports looks at what is needed besides by a service that takes orders for reports.
func (e *Examination) reports(ctx context.Context) ([]doctor.Finding, error) {
	const migrations = "make them as migrations do"
	var there bool
	if err := e.question(ctx, `select to_regclass('report_attempt') is not null and to_regclass('river_job') is not null`, nil, &there); err != nil {
		return nil, err
	}
	if !there {
		return []doctor.Finding{doctor.Bad(`run "reporting migrate"`, "there are no tables for reports and their queue yet, or the login may not see them")}, nil
	}
	var found []doctor.Finding
	for _, part := range []struct {
		what, sql, mend string
		needed          []string
		result          doctor.Result
	}{
		{"tables that keep users apart (row-level security)", workingTables, "alter table … enable row level security", neededTables, doctor.Wrong},
		{"policies of results", workingReportPolicies, migrations + ": they keep users' results apart", neededReportPolicies, doctor.Wrong},
		{"indexes of results", workingReportIndexes, migrations + ": create index concurrently …; drop one that is not valid before", neededReportIndexes, doctor.Wrong},
		{"constraints of results", workingReportGuards, migrations + ", or validate them", neededReportGuards, doctor.Warning},
		{"indexes of the queue", workingQueueIndexes, migrations + "; drop one that is not valid before", neededQueueIndexes, doctor.Wrong},
		{"rights of the roles", workingGrants, "grant them as migrations do", neededGrants, doctor.Wrong},
	} {
		finding, err := e.present(ctx, part.what, part.sql, part.needed)
		if err != nil {
			return found, err
		}
		if finding.Result != doctor.OK {
			finding.Result, finding.Mend = part.result, part.mend
		}
		found = append(found, finding)
	}
	asked, err := e.requester(ctx)
	return append(found, asked...), err
}

// requester tries whether orders can be taken, and whether who takes them is held by
// row-level security.
func (e *Examination) requester(ctx context.Context) ([]doctor.Finding, error) {
	var seen []string
	err := actAsRequester(ctx, e.conn, func(tx pgx.Tx) error {
		for _, table := range neededTables {
			var some bool
			if err := tx.QueryRow(ctx, "select exists (select from "+table+")").Scan(&some); err != nil {
				return fmt.Errorf("ask for nobody's rows of %s: %w", table, err)
			}
			if some {
				seen = append(seen, table)
			}
		}
		return nil
	})
	if t, ok := errors.AsType[Diagnostic](err); ok {
		return []doctor.Finding{e.finding(t, "")}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(seen) > 0 {
		return []doctor.Finding{doctor.Bad("see which policies let it (\\d in psql)",
			"who acts as %s and forgets whose rows it wants is shown some: %s", RequesterRole, strings.Join(seen, ", "))}, nil
	}
	return []doctor.Finding{doctor.Good("the login may act as %s, which takes orders, and is held by row-level security then", RequesterRole)}, nil
}

// CheckRequester tells whether the sessions of the pool can take orders for reports, and
// if not, what to do, in words that an operator may see. An error of a kind (report.Error)
// is the database's own: nothing is known then.
func (p *Pool) CheckRequester(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, workerCheckTimeout)
	defer cancel()
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = actAsRequester(ctx, conn.Conn(), func(pgx.Tx) error { return nil })
	if _, ok := errors.AsType[Diagnostic](err); ok || err == nil {
		return err
	}
	return domainError(ctx, err)
}

// actAsRequester runs something in a transaction that changes nothing, for nobody.
func actAsRequester(ctx context.Context, conn *pgx.Conn, run func(pgx.Tx) error) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "set local enable_seqscan = off"); err != nil {
		return fmt.Errorf("prepare to ask: %w", err)
	}
	var login string
	if err := tx.QueryRow(ctx, "select session_user").Scan(&login); err != nil {
		return fmt.Errorf("ask for the login: %w", err)
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
	return run(tx)
}
