// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"

	"reporting/api"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// guideStatements takes the statements out of the writer's guide.
func guideStatements(t *testing.T) map[string]string {
	t.Helper()
	statements := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```sql (\\w+)\n(.*?)```").FindAllStringSubmatch(api.WritersGuide, -1) {
		statements[m[1]] = m[2]
	}
	for _, name := range []string{"insert", "start", "finish"} {
		if statements[name] == "" {
			t.Fatalf("the writer's guide has no statement %q", name)
		}
	}
	return statements
}

// The statements of the writer's guide do what it says, as the role it names.
func TestWritersGuide(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	producer := pgtest.Connect(t, db.Producer)
	guide := guideStatements(t)
	run := func(want int64, name string, args ...any) {
		t.Helper()
		tag, err := producer.Exec(t.Context(), guide[name], args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if tag.RowsAffected() != want {
			t.Errorf("%s changed %d rows, want %d", name, tag.RowsAffected(), want)
		}
	}
	read := func() report.Job {
		t.Helper()
		jobs := readJobs(t, db, "user")
		if len(jobs) != 1 {
			t.Fatalf("%d jobs, want 1", len(jobs))
		}
		return jobs[0]
	}
	id := uuid.New()
	const parameters = `{ "resourceType":"Parameters" }`

	run(1, "insert", id, "com.example.Report", "user", "QUEUED", parameters)
	run(0, "insert", id, "com.example.Report", "another user", "QUEUED", parameters) // a repeated insert does no harm
	job := read()
	if job.Status != report.Queued || !job.Started.IsZero() || string(job.Parameters) != parameters {
		t.Errorf("after insert: %+v", job)
	}
	run(0, "finish", id, "DONE", nil, nil) // not before it runs
	run(1, "start", id)
	run(0, "start", id) // one worker only
	if job = read(); job.Status != report.Running || time.Since(job.Started) > time.Minute {
		t.Errorf("after start: %+v", job)
	}
	run(1, "finish", id, "DONE", "Binary/7", nil)
	run(0, "finish", id, "FAILED", nil, "too late") // the end stands
	if job = read(); job.Status != report.Done || job.Ended.Before(job.Started) || job.BinaryReference != "Binary/7" || job.FailureReason != "" {
		t.Errorf("after finish: %+v", job)
	}

	id = uuid.New()
	run(1, "insert", id, "com.example.Report", "unlucky", "SCHEDULED", parameters)
	run(1, "start", id)
	run(1, "finish", id, "FAILED", nil, "The source is away.")
	if jobs := readJobs(t, db, "unlucky"); len(jobs) != 1 || jobs[0].Status != report.Failed || jobs[0].FailureReason != "The source is away." {
		t.Errorf("after a failure: %+v", jobs)
	}
}
