// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reporting/tools/faults/servers"
)

// scene is one slow report, and something that befalls whoever makes it.
type scene struct {
	name, what string
	seconds    int // that the report takes
	slow       bool
	befall     func(*act) error
	expect     expectation
}

// expectation is what has to come of the job.
type expectation struct {
	status  string
	used    int           // attempts that count, at most
	another bool          // it ends at another worker than it began at
	within  time.Duration // from what befell it to its end, beside the seconds that it takes
}

// act is a scene being played, by two workers.
type act struct {
	*stage
	ctx     context.Context //nolint:containedctx // it lives for one function
	user    user
	binary  string
	workers map[string]*servers.Service
	holder  string // who began the job
	struck  time.Time
	note    string
}

const beginWithin = 30 * time.Second

func (sc scene) play(ctx context.Context, s *stage, r *result) (err error) {
	a := &act{stage: s, ctx: ctx, workers: map[string]*servers.Service{}}
	defer func() {
		for _, w := range a.workers {
			err = errors.Join(err, w.Stop())
		}
	}()
	s.source.lasts(sc.seconds)
	if a.user, err = s.newUser(ctx, sc.name); err != nil {
		return err
	}
	for _, name := range []string{sc.name + "-a", sc.name + "-b"} {
		w, err := s.worker(name, s.source.url)
		if err != nil {
			return err
		}
		a.workers[name] = w
		if err := w.AwaitReady(ctx); err != nil {
			return err
		}
	}
	if a.binary, err = a.user.order(ctx); err != nil {
		return err
	}
	if err := a.awaitReading(1, 1); err != nil {
		return err
	}
	changes, err := s.changes(ctx, a.user.id)
	if err != nil {
		return err
	}
	a.holder = changes[len(changes)-1].Who
	a.struck = time.Now()
	if err := sc.befall(a); err != nil {
		return err
	}
	return a.end(sc, r)
}

// awaitReading waits until a reading of the source has come to a page.
func (a *act) awaitReading(number, page int) error {
	return await(a.ctx, beginWithin, func(context.Context) error {
		if list := a.source.readings(); len(list) < number || list[number-1].pages < page {
			return fmt.Errorf("reading %d has not come to page %d: %v", number, page, list)
		}
		return nil
	})
}

// end waits for the end of the job and judges it.
func (a *act) end(sc scene, r *result) error {
	limit := time.Until(a.struck.Add(time.Duration(sc.seconds)*time.Second + sc.expect.within))
	row := sceneRow{what: sc.what}
	if err := await(a.ctx, max(limit, time.Second), func(ctx context.Context) error {
		j, err := a.user.only(ctx)
		if err == nil && !final(j.Status) {
			err = fmt.Errorf("the job is %s", j.Status)
		}
		return err
	}); err != nil {
		row.problems = append(row.problems, err.Error())
		r.add(a.stage, row)
		return nil
	}
	counts, problems, err := a.examine(a.ctx, a.user.id, []user{a.user}, 1)
	if err != nil {
		return err
	}
	changes, err := a.changes(a.ctx, a.user.id)
	if err != nil {
		return err
	}
	used, err := look[struct{ Used, Excused int }](a.ctx, a.stage, `select attempt - uncounted, uncounted from report_attempt r
		  join report_job j on j.id = r.job_id where j.user_id = $1`, a.user.id)
	if err != nil || len(used) != 1 {
		return fmt.Errorf("%d notes of the job: %w", len(used), err)
	}
	last := changes[len(changes)-1]
	row.status, row.used, row.uncounted, row.problems, row.note = last.Became, used[0].Used, used[0].Excused, problems, a.note
	row.ended = last.At.Sub(a.struck)
	for _, c := range changes {
		if c.At.After(a.struck) && c.Became == running && !row.taken {
			row.again, row.taken = c.At.Sub(a.struck), true
		}
	}
	row.another = lastRunner(changes) != a.holder
	problem := func(format string, args ...any) { row.problems = append(row.problems, fmt.Sprintf(format, args...)) }
	if counts[sc.expect.status] != 1 {
		problem("the job became %v, and not %s", counts, sc.expect.status)
	}
	if row.used > sc.expect.used {
		problem("%d attempts count, more than %d", row.used, sc.expect.used)
	}
	if sc.expect.another && !row.another {
		problem("it ended at the worker that it began at")
	}
	r.add(a.stage, row)
	return nil
}

// lastRunner is who began a job last.
func lastRunner(changes []change) (who string) {
	for _, c := range changes {
		if c.Became == running {
			who = c.Who
		}
	}
	return who
}
