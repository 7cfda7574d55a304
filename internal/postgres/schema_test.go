// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

const (
	checkViolation        = "23514"
	notNullViolation      = "23502"
	insufficientPrivilege = "42501"
)

func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// A good row, column by column; each test changes some.
func goodRow() map[string]string {
	return map[string]string{
		"report_class": "'com.example.Report'", "user_id": "'u'", "status": "'DONE'", "binary_reference": "'Binary/7'",
		"parameters": `'{"resourceType":"Parameters"}'`,
		"created_at": "'2023-10-12 09:51:50+00'", "started_at": "'2023-10-12 09:51:50+00'", "ended_at": "'2023-10-12 09:51:51+00'",
	}
}

func insert(row map[string]string) string {
	var names, values []string
	for name, value := range row {
		names, values = append(names, name), append(values, value)
	}
	return "insert into report_job (" + strings.Join(names, ",") + ") values (" + strings.Join(values, ",") + ")"
}

func TestTableTakesGoodRows(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.New(t).Producer)
	for name, change := range map[string]map[string]string{
		"as it is":               {},
		"no result":              {"binary_reference": "null"},
		"result with version":    {"binary_reference": "'Binary/7/_history/2'"},
		"result elsewhere":       {"binary_reference": "'https://reporting.local.ehealth.sundhed.dk/fhir/Binary/7'"},
		"failed before it began": {"status": "'FAILED'", "started_at": "null"},
		"cancelled early":        {"status": "'CANCELLED'", "started_at": "null"},
		"running":                {"status": "'RUNNING'", "ended_at": "null"},
		"scheduled":              {"status": "'SCHEDULED'", "started_at": "null", "ended_at": "null"},
		"user id of 512 æ":       {"user_id": "repeat('æ', 512)"},
		"instant report":         {"ended_at": "'2023-10-12 09:51:50+00'"},
		"year 1":                 {"created_at": "'0001-01-01 00:00:00+00'"},
		"spaced JSON":            {"parameters": `' { "parameter":[], "resourceType" : "Parameters" } '`},
	} {
		row := goodRow()
		maps.Copy(row, change)
		if _, err := conn.Exec(t.Context(), insert(row)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTableRefusesBadRows(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.New(t).Producer)
	for name, change := range map[string]map[string]string{
		"unknown status":               {"status": "'IN_PROGRESS'"},
		"lower case status":            {"status": "'done'"},
		"no status":                    {"status": "null"},
		"empty class":                  {"report_class": "''"},
		"no class":                     {"report_class": "null"},
		"endless class":                {"report_class": "repeat('x', 513)"},
		"empty user":                   {"user_id": "''"}, // an owner is required
		"no user":                      {"user_id": "null"},
		"endless user":                 {"user_id": "repeat('x', 513)"},
		"no parameters":                {"parameters": "null"},
		"JSON null":                    {"parameters": "'null'"}, // not SQL's null, and no resource
		"parameters not an object":     {"parameters": "'[]'"},
		"parameters without type":      {"parameters": "'{}'"},
		"parameters of another type":   {"parameters": `'{"resourceType":"Bundle"}'`},
		"parameters with null type":    {"parameters": `'{"resourceType":null}'`},
		"queued but started":           {"status": "'QUEUED'", "ended_at": "null"},
		"scheduled but ended":          {"status": "'SCHEDULED'", "started_at": "null"},
		"running but not started":      {"status": "'RUNNING'", "started_at": "null", "ended_at": "null"},
		"running but ended":            {"status": "'RUNNING'"},
		"done but not ended":           {"ended_at": "null"},
		"done but never started":       {"started_at": "null"},
		"failed but not ended":         {"status": "'FAILED'", "ended_at": "null"},
		"cancelled but not ended":      {"status": "'CANCELLED'", "ended_at": "null"},
		"started before created":       {"started_at": "'2023-10-12 09:51:49+00'"},
		"ended before started":         {"ended_at": "'2023-10-12 09:51:49+00'"},
		"ended before created":         {"status": "'FAILED'", "started_at": "null", "ended_at": "'2023-10-12 09:51:49+00'"},
		"created at infinity":          {"status": "'QUEUED'", "created_at": "'infinity'", "started_at": "null", "ended_at": "null"},
		"created before time":          {"created_at": "'-infinity'"},
		"before Christ":                {"created_at": "'0044-03-15 12:00:00+00 BC'"}, // FHIR has no such year
		"five digit year":              {"ended_at": "'10000-01-01 00:00:00+00'"},
		"ended at infinity":            {"ended_at": "'infinity'"},
		"started at infinity":          {"started_at": "'infinity'", "ended_at": "'infinity'"},
		"no creation":                  {"created_at": "null"},
		"empty reference":              {"binary_reference": "''"},
		"reference to something else":  {"binary_reference": "'Patient/7'"},
		"reference without id":         {"binary_reference": "'Binary/'"},
		"reference with a script":      {"binary_reference": "'javascript:alert(1)'"},
		"reference with a new line":    {"binary_reference": "E'Binary/7\\n'"},
		"reference with a second line": {"binary_reference": "E'https://x.example/\\nhttps://y.example/'"},
		"reference climbing up":        {"binary_reference": "'Binary/../../x'"},
		"reference to its parent":      {"binary_reference": "'Binary/..'"},
		"reference to a parent's past": {"binary_reference": "'Binary/./_history/1'"},
		"endless reference":            {"binary_reference": "'https://x.example/' || repeat('x', 2048)"},
	} {
		row := goodRow()
		maps.Copy(row, change)
		_, err := conn.Exec(t.Context(), insert(row))
		if state := sqlState(err); state != checkViolation && state != notNullViolation {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The trigger and the domain hold the same table of transitions.
func TestTransitionsAreTheDomains(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.New(t).Superuser)
	times := func(s report.Status) (started, ended string) {
		started, ended = "null", "null"
		if s == report.Running || s.Final() {
			started = "'2023-10-12 09:51:50+00'"
		}
		if s.Final() {
			ended = "'2023-10-12 09:51:51+00'"
		}
		return started, ended
	}
	for _, from := range report.Statuses() {
		for _, to := range report.Statuses() {
			row := goodRow()
			row["status"] = "'" + string(from) + "'"
			row["started_at"], row["ended_at"] = times(from)
			var id [16]byte
			if err := conn.QueryRow(t.Context(), insert(row)+" returning id").Scan(&id); err != nil {
				t.Fatal(err)
			}
			started, ended := times(to)
			_, err := conn.Exec(t.Context(), "update report_job set status = '"+string(to)+"', started_at = "+started+
				", ended_at = "+ended+" where id = $1", id)
			if allowed := err == nil; allowed != from.CanTransitionTo(to) {
				t.Errorf("%s to %s: the table says %v, the domain %v (%v)", from, to, allowed, from.CanTransitionTo(to), err)
			}
		}
	}
}

func TestFinalTimesStay(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.New(t).Producer)
	if _, err := conn.Exec(t.Context(), insert(goodRow())); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		"ended_at = '2024-01-01 00:00:00+00'",
		"started_at = '2023-10-12 09:51:51+00'",
		"status = 'FAILED'",
	} {
		if _, err := conn.Exec(t.Context(), "update report_job set "+change); sqlState(err) != checkViolation {
			t.Errorf("%s: %v", change, err)
		}
	}
	// A result that was deleted may lose its reference.
	if _, err := conn.Exec(t.Context(), "update report_job set binary_reference = null"); err != nil {
		t.Error(err)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(t, insert(goodRow()))
	reader, producer := pgtest.Connect(t, db.Reader), pgtest.Connect(t, db.Producer)
	for _, tt := range []struct {
		who     *pgx.Conn
		sql     string
		allowed bool
	}{
		{reader, "select * from report_job", true},
		{reader, "select * from reporting_schema_version", true},
		{reader, insert(goodRow()), false},
		{reader, "update report_job set status = status", false},
		{reader, "delete from report_job", false},
		{reader, "truncate report_job", false},
		{reader, "drop table report_job", false},
		{producer, insert(goodRow()), true},
		{producer, "update report_job set binary_reference = null where id is not null", true},
		{producer, "select id, status from report_job", true},
		{producer, "select parameters from report_job", false}, // what a report was asked with is not a writer's to read
		{producer, "select user_id from report_job", false},
		{producer, "update report_job set user_id = 'other'", false}, // a job never changes hands
		{producer, "update report_job set parameters = '{}'", false},
		{producer, "update report_job set created_at = now()", false},
		{producer, "delete from report_job", false},
		{producer, "alter table report_job disable trigger all", false},
	} {
		_, err := tt.who.Exec(t.Context(), tt.sql)
		if tt.allowed && err != nil {
			t.Errorf("%s: %v", tt.sql, err)
		}
		if !tt.allowed && sqlState(err) != insufficientPrivilege {
			t.Errorf("%s: not refused: %v", tt.sql, err)
		}
	}
}
