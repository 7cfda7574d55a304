// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"reporting/internal/doctor"
)

// What migrations make besides the table, and what lists are slow or wrong without. A
// test holds it equal to what they do make.
var (
	neededIndexes = []string{"report_job_by_user", "report_job_ended", "report_job_pkey", "report_job_unfinished"}
	neededGuards  = []string{
		"report_job_binary_reference_form", "report_job_check_transition", "report_job_parameters_resource", "report_job_report_class_length",
		"report_job_status_agrees_with_times", "report_job_status_known", "report_job_times_in_order", "report_job_times_writable",
		"report_job_user_id_length",
	}
	neededPolicies = []string{"report_job_producer", "report_job_producer_own", "report_job_reader", "report_job_reader_own", "report_job_requester", "report_job_requester_own", "report_job_worker"}
)

// Each tells the names of what is there and works.
const (
	workingIndexes = `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
		where i.indrelid = to_regclass('report_job') and i.indisvalid and i.indisready and i.indislive`
	workingGuards = `select conname from pg_constraint where conrelid = to_regclass('report_job') and contype = 'c' and convalidated
		union all select tgname from pg_trigger where tgrelid = to_regclass('report_job') and not tgisinternal and tgenabled <> 'D'`
	workingPolicies = `select polname from pg_policy where polrelid = to_regclass('report_job')
		and polpermissive = (polname not like '%\_own')`
)

func (e *Examination) schema(ctx context.Context) ([]doctor.Finding, error) {
	required, err := requiredVersion()
	if err != nil {
		return nil, err
	}
	answer, err := askHealth(ctx, e.conn)
	if err != nil {
		return nil, err
	}
	found := []doctor.Finding{doctor.Good("the schema has version %d, which this program needs", required)}
	if answer.applied > required {
		found[0] = doctor.Doubt("run the newer program that migrated it, unless an upgrade is under way",
			"the schema has version %d, and this program knows only %d", answer.applied, required)
	}
	if answer.applied < required {
		// What it lacks is what is to come.
		return []doctor.Finding{e.finding(answer.judge(required), "")}, nil
	}
	for _, part := range []struct {
		what, sql, mend string
		needed          []string
		result          doctor.Result
	}{
		{
			"indexes", workingIndexes, "make it as migrations do: create index concurrently …; drop one that is not valid before",
			neededIndexes, doctor.Wrong,
		},
		{
			"constraints and triggers", workingGuards, "make them as migrations do, or validate or enable them: without them rows can be stored that cannot be answered",
			neededGuards, doctor.Warning,
		},
		{"policies", workingPolicies, "make them as migrations do: they keep users' jobs apart", neededPolicies, doctor.Wrong},
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
	return found, nil
}

// present compares what is there with what is needed.
func (e *Examination) present(ctx context.Context, what, sql string, needed []string) (doctor.Finding, error) {
	rows, err := e.conn.Query(ctx, sql)
	if err != nil {
		return doctor.Finding{}, fmt.Errorf("ask for %s: %w", what, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return doctor.Finding{}, fmt.Errorf("ask for %s: %w", what, err)
	}
	missing := slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(names, name) })
	if len(missing) > 0 {
		return doctor.Bad("", "%s are missing or out of use: %s", what, strings.Join(missing, ", ")), nil
	}
	return doctor.Good("all %d %s are there and in use", len(needed), what), nil
}
