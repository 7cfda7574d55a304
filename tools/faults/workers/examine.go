// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// examine looks at all jobs of some users from the outside, when each has ended: the
// status operation, their Binary resources, and the tables.
func (s *stage) examine(ctx context.Context, part string, users []user, ordered int) (counts map[string]int, problems []string, err error) {
	counts = map[string]int{}
	for _, u := range users {
		list, err := u.jobs(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, j := range list {
			counts[j.Status]++
			if why := u.examine(ctx, j); why != nil {
				problems = append(problems, fmt.Sprintf("job %s, %s, %s: %v", j.ID, j.Status, j.Binary, why))
			}
		}
	}
	if told := counts[done] + counts[failed] + counts[cancelled]; told != ordered {
		problems = append(problems, fmt.Sprintf("%d jobs were ordered, and %d have ended: %v", ordered, told, counts))
	}
	changes, err := s.changes(ctx, part)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, judgeChanges(changes)...)
	more, err := s.examineTables(ctx, part)
	return counts, append(problems, more...), err
}

// examine reads the Binary of a job that has ended.
func (u user) examine(ctx context.Context, j job) error {
	a, err := u.call(ctx, http.MethodGet, "/"+j.Binary, "")
	if err != nil {
		return err
	}
	want := map[string]struct {
		status int
		etag   string
	}{
		done:      {http.StatusOK, `W/"2"`},
		failed:    {http.StatusOK, `W/"1"`}, // the placeholder
		cancelled: {http.StatusGone, ""},
	}[j.Status]
	if a.status != want.status || a.header.Get("Etag") != want.etag {
		return fmt.Errorf("reading it is answered with %d, version %s", a.status, a.header.Get("Etag"))
	}
	if j.Status != done {
		return nil
	}
	return readReport(a.body)
}

// readReport opens a result, and looks for what it was asked for with.
func readReport(data []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("the result is no zip file: %w", err)
	}
	var names []string
	for _, entry := range archive.File {
		file, err := entry.Open()
		if err != nil {
			return fmt.Errorf("open %s: %w", entry.Name, err)
		}
		text, err := io.ReadAll(file) // which checks its sum
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", entry.Name, err)
		}
		_, name, _ := strings.Cut(entry.Name, "/")
		names = append(names, name)
		var header struct {
			ReportName string
			Parameters json.RawMessage
		}
		if name != "ReportHeader" {
			continue
		}
		if err := json.Unmarshal(text, &header); err != nil {
			return fmt.Errorf("read %s: %w", entry.Name, err)
		}
		if header.ReportName != "PatientsUsageReport" || string(header.Parameters) != wanted {
			return fmt.Errorf("the header is %s", text)
		}
	}
	if got := strings.Join(names, " "); got != "ReportHeader PatientsUsageSummary/PatientsUsageSummary" {
		return fmt.Errorf("the result has the files %q", got)
	}
	return nil
}

// examineTables looks for what no answer shows.
func (s *stage) examineTables(ctx context.Context, part string) (problems []string, err error) {
	for what, sql := range map[string]string{
		"a DONE job without exactly one result": `select j.id::text from report_job j
			 where j.user_id like $1 || '%' and j.status = 'DONE' and 1 <> (select count(*) from report_binary_version v
			       join report_binary b on b.id = v.binary_id where b.job_id = j.id and v.version > 1)`,
		"a job that is not DONE, with a result": `select j.id::text from report_job j join report_binary b on b.job_id = j.id
			  join report_binary_version v on v.binary_id = b.id where j.user_id like $1 || '%' and j.status <> 'DONE' and v.version > 1`,
		"a version whose pieces are not of its size": `select v.binary_id::text from report_binary_version v join report_binary b on b.id = v.binary_id
			 where b.user_id like $1 || '%' and v.size <> (select coalesce(sum(length(p.data)), 0) from report_binary_piece p
			       where p.binary_id = v.binary_id and p.version = v.version)`,
		"a job that ended at another time than it was seen to": `select j.id::text from report_job j
			 where j.user_id like $1 || '%' and j.ended_at is distinct from (select w.ended_at from watched w where w.job = j.id order by w.n desc limit 1)`,
		"a note of a job that does not exist (any part)": `select r.job_id::text from report_attempt r
			 where $1 <> '' and not exists (select from report_job j where j.id = r.job_id)`,
		"a job without a note": `select j.id::text from report_job j where j.user_id like $1 || '%' and not exists (select from report_attempt r where r.job_id = j.id)`,
		"an ended job somebody seems to be at": `select j.id::text from report_job j join report_attempt r on r.job_id = j.id
			 where j.user_id like $1 || '%' and j.status = 'DONE' and r.heartbeat_at is not null`,
		"an entry of the queue that waits for an ended job": `select q.id || ' ' || q.state || ' ' || j.status from reporting_river.river_job q
			  join report_job j on j.id = (q.args->>'job_id')::uuid
			 where j.user_id like $1 || '%' and j.ended_at is not null and q.finalized_at is null and q.state <> 'running'`,
	} {
		found, err := look[struct{ What string }](ctx, s, sql, part)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			problems = append(problems, what+": "+f.What)
		}
	}
	return problems, nil
}

// leftovers are entries that dead workers were at and that nobody has put away yet, of jobs
// that have ended; and of these, those begun since a time.
func (s *stage) leftovers(ctx context.Context, since time.Time) (int, error) {
	found, err := look[struct{ N int }](ctx, s, `select count(*)::int from reporting_river.river_job q join report_job j on j.id = (q.args->>'job_id')::uuid
		 where j.ended_at is not null and q.state = 'running' and q.attempted_at > $1`, since)
	if err != nil {
		return 0, err
	}
	return found[0].N, nil
}
