// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"reporting/internal/doctor"
	"reporting/internal/worker/queue"
)

// The tables of results, and those of the queue.
const (
	resultTables = "report_binary report_binary_piece report_binary_version"
	queueTable   = queue.Schema + ".river_job"
	queueTables  = queueTable + " " + queue.Schema + ".river_leader " + queue.Schema + ".river_queue"
	queueNumbers = queue.Schema + ".river_job_id_seq"
)

// grants are the privileges that orders and workers need on the tables, or on columns of them.
var grants = []struct{ role, privileges, tables, columns string }{
	{ReaderRole, "select", resultTables + " report_attempt", ""},
	{RequesterRole, "insert select", "report_job report_attempt " + resultTables + " " + queueTable, ""},
	{RequesterRole, "delete", "report_binary_version", ""},
	{RequesterRole, "update", "report_binary", "deleted_at"},
	{RequesterRole, "update", "report_job", "ended_at status"},
	{RequesterRole, "usage", queueNumbers, ""},
	{WorkerRole, "delete select", "report_job", ""},
	{WorkerRole, "select update", "report_attempt", ""},
	{WorkerRole, "update", "report_job", "ended_at failure_reason started_at status"},
	{WorkerRole, "delete insert select update", resultTables + " " + queueTables, ""},
	{WorkerRole, "usage", queueNumbers, ""},
}

// checkGrants finds privileges that one of the roles lacks.
func checkGrants(ctx context.Context, conn *pgx.Conn, roles ...string) (doctor.Finding, error) {
	var missing []string
	batch := &pgx.Batch{}
	for _, g := range grants {
		if !slices.Contains(roles, g.role) {
			continue
		}
		for table := range strings.FieldsSeq(g.tables) {
			query := "has_table_privilege($1::name, $2, $3)"
			if table == queueNumbers {
				query = "has_sequence_privilege($1::name, $2, $3)"
			} else if g.columns != "" {
				query = "(select bool_and(has_column_privilege($1::name, $2, name, $3)) from unnest(string_to_array('" + g.columns + "', ' ')) name)"
			}
			for privilege := range strings.FieldsSeq(g.privileges) {
				batch.Queue("select "+query, g.role, table, privilege).QueryRow(func(row pgx.Row) error {
					var ok bool
					err := row.Scan(&ok)
					if err == nil && !ok {
						missing = append(missing, fmt.Sprintf("%s: %s on %s", g.role, strings.TrimSpace(privilege+" "+g.columns), table))
					}
					return err
				})
			}
		}
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return doctor.Finding{}, fmt.Errorf("read privileges: %w", err)
	}
	if len(missing) > 0 {
		return doctor.Fail("grant them as the migrations do", "roles lack privileges: %s", strings.Join(missing, "; ")), nil
	}
	return doctor.Pass("%s may do what is needed", strings.Join(roles, " and ")), nil
}

// orders checks that the service can take orders for reports, and that row-level security is
// on for their tables.
func (*Examination) orders(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	privileges, err := checkGrants(ctx, conn, ReaderRole, RequesterRole)
	if err != nil {
		return nil, err
	}
	findings := []doctor.Finding{privileges}
	var open []string
	err = conn.QueryRow(ctx, `
		select coalesce(array_agg(relname::text), '{}') from pg_class
		 where oid = any ($1::text[]::regclass[]) and not relrowsecurity`, strings.Fields("report_attempt "+resultTables)).Scan(&open)
	if err != nil {
		return findings, fmt.Errorf("read row-level security: %w", err)
	}
	if len(open) > 0 {
		findings = append(findings, doctor.Fail("alter table ... enable row level security", "row-level security is off for %s", strings.Join(open, ", ")))
	}
	if err := actAsRequester(ctx, conn); err != nil {
		return findings, err
	}
	return append(findings, doctor.Pass("the login may act as %s", RequesterRole)), nil
}
