// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"reporting/internal/report"
)

// Roles can do what their part of the work needs, and no more.
func TestGrantsOfMaking(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	placed := m.submit(t, "u", time.Time{})
	theirs := m.submit(t, "v", time.Time{})
	m.finish(t, m.begin(t, placed.JobID), "x")
	requester, worker, reader := as(t, m.db, "in role reporting_requester"), as(t, m.db, "in role reporting_worker"), m.db.Reader
	newJob := `insert into report_job (id, report_class, user_id, status, parameters) values ('` + uuid.NewString() + `', 'c', '%s', 'QUEUED', '{"resourceType":"Parameters"}')`
	of := func(p report.Submission) string { return "'" + p.JobID.String() + "'" }
	for _, tt := range []struct {
		who, sql string
		want     int64 // rows; -1: refused
	}{
		{requester, fmt.Sprintf(newJob, "u"), 1},
		{requester, fmt.Sprintf(newJob, "v"), -1},
		{requester, `update report_job set status = 'CANCELLED', ended_at = now() where id = ` + of(theirs), 0},
		{requester, `update report_job set user_id = 'u'`, -1},
		{requester, `update report_job set failure_reason = 'x'`, -1},
		{requester, `delete from report_job`, -1},
		{requester, `select attempt from report_attempt where job_id = ` + of(theirs), 0},
		{requester, `select attempt from report_attempt where job_id = ` + of(placed), 1},
		{requester, `update report_attempt set attempt = 0`, -1},
		{requester, fmt.Sprintf(`insert into report_binary_version values (%d, 2, 'text/plain', null, now(), 0)`, theirs.Binary.ID), -1},
		{requester, fmt.Sprintf(`delete from report_binary_version where binary_id = %d`, theirs.Binary.ID), 0},
		{requester, `update report_binary_version set size = 0`, -1},
		{requester, `update report_binary set user_id = 'u'`, -1},
		{requester, `select id from reporting_river.river_job`, 2},
		{requester, `delete from reporting_river.river_job`, -1},
		{requester, `update reporting_river.river_job set state = 'completed'`, -1},
		{requester, `select * from reporting_river.river_queue`, -1},
		{requester, `delete from report_binary`, -1}, // it would be 404, and not 410
		{requester, `delete from report_binary_piece`, -1},
		{requester, `truncate report_binary cascade`, -1},

		{worker, `select * from report_job`, 2},
		{worker, fmt.Sprintf(newJob, "u"), -1},
		{worker, `update report_job set user_id = 'u'`, -1},
		{worker, `update report_job set parameters = '{}'`, -1},
		{worker, `update report_job set binary_reference = null`, -1},
		{worker, `insert into report_attempt (job_id, due_at) values (gen_random_uuid(), now())`, -1},
		{worker, `delete from report_attempt`, -1},
		{worker, `update report_attempt set progress = 'x'`, 2},
		{worker, `select * from reporting_schema_version`, -1},
		{worker, `update reporting_river.river_job set priority = 1`, 2},
		{worker, `truncate report_job cascade`, -1},
		{worker, `drop table reporting_river.river_job`, -1},
		{worker, `create table mine ()`, -1},

		{reader, `select * from report_attempt`, 1}, // u's own
		{reader, `select * from reporting_river.river_job`, -1},
		{reader, `insert into report_binary (user_id) values ('u')`, -1},
		{reader, `update report_attempt set progress = null`, -1},
		{reader, `delete from report_binary`, -1},
		{m.db.Producer, `select * from report_attempt`, -1},
		{m.db.Producer, `select * from report_binary`, -1},
		{m.db.Producer, `select * from reporting_river.river_job`, -1},
		{m.db.Producer, `update report_job set failure_reason = null where id is not null`, 0}, // they are made here
	} {
		conn, err := pgx.Connect(t.Context(), tt.who)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `select set_config('reporting.user_id', 'u', true)`); err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(t.Context(), tt.sql)
		switch {
		case tt.want < 0 && sqlState(err) != insufficientPrivilege:
			t.Errorf("%s: not refused: %d rows, %v", tt.sql, tag.RowsAffected(), err)
		case tt.want >= 0 && (err != nil || tag.RowsAffected() != tt.want):
			t.Errorf("%s: %d rows, want %d; %v", tt.sql, tag.RowsAffected(), tt.want, err)
		}
		_ = conn.Close(t.Context()) // and so rolled back
	}
}
