// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// watchers note each change of a job's state, in the transaction that makes it: what was
// rolled back is not there, and nothing that was committed is missing.
func watchers() []string {
	return []string{
		"create table watched (n bigint generated always as identity, job uuid not null, was text, became text not null, " +
			"ended_at timestamptz, who text not null, at timestamptz not null default clock_timestamp())",
		`create function watch() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
		begin
			if tg_op = 'INSERT' then
				insert into watched (job, became, ended_at, who) values (new.id, new.status, new.ended_at, current_setting('application_name'));
			elsif (old.status, old.ended_at) is distinct from (new.status, new.ended_at) then
				insert into watched (job, was, became, ended_at, who) values (new.id, old.status, new.status, new.ended_at, current_setting('application_name'));
			end if;
			return null;
		end $$`,
		"create trigger watch after insert or update on report_job for each row execute function watch()",
	}
}

// change is one of a job's state.
type change struct {
	Job         string
	Was, Became string // Was is empty for a new job
	Ended       *time.Time
	Who         string // the worker's name
	At          time.Time
}

// changes are those of a user's jobs, or of those of all users with a common beginning,
// in their order.
func (s *stage) changes(ctx context.Context, user string) ([]change, error) {
	return look[change](ctx, s, `
		select w.job::text, coalesce(w.was, ''), w.became, w.ended_at, w.who, w.at
		  from watched w join report_job j on j.id = w.job where j.user_id like $1 || '%' order by w.at, w.n`, user)
}

const (
	queued, running = "QUEUED", "RUNNING"
	done, failed    = "DONE", "FAILED"
	cancelled       = "CANCELLED"
)

func final(status string) bool { return status == done || status == failed || status == cancelled }

// judgeChanges finds jobs that did not end, ended more than once, or changed after that.
func judgeChanges(changes []change) (problems []string) {
	endings, known := map[string]int{}, map[string]bool{}
	for _, c := range changes {
		if final(c.Was) {
			problems = append(problems, fmt.Sprintf("job %s was %s and became %s", c.Job, c.Was, c.Became))
		}
		known[c.Job] = true
		if final(c.Became) {
			endings[c.Job]++
		}
	}
	for job := range known {
		if n := endings[job]; n != 1 {
			problems = append(problems, fmt.Sprintf("job %s ended %d times", job, n))
		}
	}
	return problems
}

// kill is one of a worker.
type kill struct {
	who string
	at  time.Time
}

// takeUp is how long after a kill a job that the worker was at went back into the queue, and
// was begun again. Zero: it was not, because it had no attempt left.
type takeUp struct{ queued, begun time.Duration }

// takeUps are those of all jobs that the workers were at.
func takeUps(changes []change, kills []kill) (list []takeUp) {
	byJob := map[string][]change{}
	for _, c := range changes {
		byJob[c.Job] = append(byJob[c.Job], c)
	}
	for _, k := range kills {
		for _, of := range byJob {
			if t, hit := k.takeUp(of); hit {
				list = append(list, t)
			}
		}
	}
	return list
}

// takeUp is that of one job, if the worker was at it.
func (k kill) takeUp(list []change) (t takeUp, hit bool) {
	for _, c := range list {
		after := c.At.Sub(k.at)
		switch {
		case after < 0:
			hit = c.Became == running && c.Who == k.who
		case !hit:
			return t, false
		case c.Became == queued && t.queued == 0:
			t.queued = after
		default:
			if c.Became == running {
				t.begun = after
			}
			return t, true
		}
	}
	return t, hit
}
