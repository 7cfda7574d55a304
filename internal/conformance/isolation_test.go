// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/report"
)

// Users see only their own jobs: random users with similar ids, random jobs, and
// concurrent requests.
func TestW15_UsersSeeOnlyTheirOwnJobs(t *testing.T) {
	t.Parallel()
	const seed, rounds, callers = 15, 40, 8
	random := rand.New(rand.NewPCG(seed, seed))
	server, users := shared(t), similarUsers(random)
	owned := map[string]map[string]bool{}
	var jobs []report.Job
	for _, user := range users {
		owned[user] = map[string]bool{}
		for range random.IntN(6) {
			job := queuedJob(user, noon.Add(time.Duration(random.IntN(1000))*time.Second))
			owned[user][job.ID.String()] = true
			jobs = append(jobs, job)
		}
	}
	server.load(t, jobs...)

	var wg sync.WaitGroup
	for range callers {
		order := random.Perm(len(users))
		wg.Go(func() {
			for round := range rounds {
				user := users[order[round%len(order)]]
				list := server.do(t, status(user)).entries(t)
				if len(list) != len(owned[user]) {
					t.Errorf("%q: got %d jobs, want %d", user, len(list), len(owned[user]))
				}
				for _, e := range list {
					if !owned[user][e.FullURL] || e.part("userId").ValueString != user {
						t.Errorf("%q: got a job of %q", user, e.part("userId").ValueString)
					}
				}
			}
		})
	}
	wg.Wait()
}

// similarUsers makes user ids that differ in case, blanks, prefixes or normalization.
func similarUsers(random *rand.Rand) []string {
	var users []string
	for range 10 {
		stem := newUser()
		users = append(users, stem, strings.ToUpper(stem), strings.TrimSuffix(stem, stem[len(stem)-1:]), stem+" ", " "+stem,
			"https://x.example/fhir/Practitioner/"+stem, "Practitioner/"+stem, "urn:uuid:"+stem, stem+"%", stem+"_",
			stem+"'--", stem+"\u00e9", stem+"e\u0301", strings.ReplaceAll(stem, "-", "_"))
	}
	random.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
	return users
}

const many = 100_000

// insertJobs inserts queued jobs of a user, a second apart.
func insertJobs(t *testing.T, server instance, user string, jobs int) {
	t.Helper()
	server.db.Exec(t, `insert into report_job (report_class, user_id, status, parameters, created_at)
		select 'com.example.Report', $1, 'QUEUED', '{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}',
		       '2026-01-01 00:00:00+00'::timestamptz + n * interval '1 second'
		  from generate_series(1, $2::int) n`, user, jobs)
}

func TestW16_LongListIsStreamed(t *testing.T) {
	t.Parallel()
	slow(t, "reads 100,000 jobs")
	server, user := own(t, nil), newUser()
	insertJobs(t, server, user, many)
	res, err := client.Do(server.build(t, status(user)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(body, []byte(`"fullUrl"`)); n != many {
		t.Errorf("got %d entries, want %d", n, many)
	}
	if n := len((response{status: res.StatusCode, body: body}).entries(t)); n != many {
		t.Errorf("got %d decoded entries, want %d", n, many)
	}
	// A Content-Length means that the whole list was in memory.
	if res.ContentLength >= 0 {
		t.Errorf("got Content-Length %d, want a streamed response without one", res.ContentLength)
	}
}

// When the database fails in the middle of a list, the transfer breaks: the client
// never gets an incomplete list that parses.
func TestW106_FailureAfterFirstByteBreaksTheConnection(t *testing.T) {
	t.Parallel()
	slow(t, "inserts 200,000 jobs")
	for _, encoding := range []string{"identity", "gzip"} {
		server, user := own(t, nil), newUser()
		insertJobs(t, server, user, many)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		res, err := client.Do(server.build(t, status(user).with("Accept-Encoding", encoding)).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(res.Body)
		if _, err := reader.Peek(1); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("got status %d, %v before the first byte; want 200", res.StatusCode, err)
		}
		// Ending the connections is not enough: the service reads the next page on
		// another one.
		server.db.Exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reporting' and datname = current_database()`)
		server.db.Exec(t, "revoke select on report_job from reporting_reader")
		_, err = io.Copy(io.Discard, reader)
		_ = res.Body.Close()
		server.db.Exec(t, "grant select on report_job to reporting_reader")
		if err == nil {
			t.Errorf("%s: the transfer ended without an error, want it broken", encoding)
		}
		if a := server.do(t, status(newUser())); a.status != http.StatusOK {
			t.Errorf("%s: afterwards: got status %d, want 200", encoding, a.status)
		}
		if records := server.audited(t); len(records) == 0 || records[0].Complete || *records[0].Count == 0 || *records[0].Count >= many {
			t.Errorf("%s: got audit %s, want an incomplete list", encoding, server.audit)
		}
		// Metrics count a failure, although the client got status 200.
		waitFor(t, "the log", func() bool { return strings.Contains(server.log.String(), `"aborted":true`) })
		if want := `reporting_http_requests_total{method="POST",operation="get-report-job-status",status="5xx"} 1`; !strings.Contains(server.scrape(t), want) {
			t.Errorf("%s: got no %s", encoding, want)
		}
	}
}
