// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	workers    = 3  // processes
	stormUsers = 12 // more than enough for what each may have waiting
	stormLimit = 20 * time.Minute
	// What killed workers were at is put away this long after, where an attempt may take
	// as long as shortAttempts says: that and two minutes, and a look every half.
	shortAttempts = "REPORTING_ATTEMPT_TIMEOUT=10s"
	leftoverLimit = 5 * time.Minute
)

// storm kills workers at random moments, again and again, while they make many reports.
func storm(ctx context.Context, s *stage, r *result) error {
	users, err := s.newUsers(ctx, "storm")
	if err != nil {
		return err
	}
	if err := orderAll(ctx, users, s.jobs); err != nil {
		return err
	}
	g := &gang{s: s, rescued: map[string]float64{}, users: users, ordered: s.jobs}
	defer func() { _ = g.stop() }()
	began := time.Now()
	if err := g.start(ctx); err != nil {
		return err
	}
	if err := g.rage(ctx, rand.New(rand.NewPCG(s.seed, 0))); err != nil { //nolint:gosec // repeatable by intent
		return err
	}
	out := &r.storm
	out.took = time.Since(began)
	if err := g.read(ctx); err != nil {
		return err
	}
	if err := g.stop(); err != nil {
		out.problems = append(out.problems, err.Error())
	}
	for _, n := range g.rescued {
		out.rescued += int(n)
	}
	var more []string
	if out.counts, more, err = s.examine(ctx, "storm", users, g.ordered); err != nil {
		return err
	}
	out.problems = append(out.problems, more...)
	changes, err := s.changes(ctx, "storm")
	if err != nil {
		return err
	}
	out.ordered, out.kills, out.after = g.ordered, g.kills, takeUps(changes, g.kills)
	if len(out.after) == 0 {
		out.problems = append(out.problems, "no worker was at anything when it was killed")
	}
	if out.attempts, err = look[attempts](ctx, s, `select attempt - uncounted, count(*)::int from report_attempt r join report_job j on j.id = r.job_id
		 where j.user_id like 'storm-%' group by 1 order by 1`); err != nil {
		return err
	}
	return s.putAway(ctx, out)
}

// attempts are how many jobs took so many.
type attempts struct{ Attempts, Jobs int }

// putAway looks at what is left in the queue, and, where there is time, waits until that is
// gone.
func (s *stage) putAway(ctx context.Context, out *stormResult) (err error) {
	if out.leftovers, err = s.leftovers(ctx, time.Time{}); err != nil {
		return err
	}
	// Those that were stopped in order have put away what they were at.
	late, err := s.leftovers(ctx, out.kills[len(out.kills)-1].at)
	if err != nil {
		return err
	}
	if late > 0 {
		out.problems = append(out.problems, fmt.Sprintf("%d entries are left of ended jobs, and no killed worker was at them", late))
	}
	if s.quick || out.leftovers == 0 {
		return nil
	}
	cleaner, err := s.worker("cleaner", small, shortAttempts)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = await(ctx, leftoverLimit, func(ctx context.Context) error {
		left, err := s.leftovers(ctx, time.Time{})
		if err == nil && left > 0 {
			err = fmt.Errorf("%d entries are left", left)
		}
		return err
	})
	out.cleared = time.Since(begin)
	if err != nil {
		out.problems = append(out.problems, "what killed workers were at stays in the queue: "+err.Error())
	}
	return cleaner.Stop()
}

// newUsers makes those of a part that has many jobs.
func (s *stage) newUsers(ctx context.Context, part string) (users []user, err error) {
	users = make([]user, stormUsers)
	for n := range users {
		if users[n], err = s.newUser(ctx, part); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// orderAll orders so many reports for some users, some at a time.
func orderAll(ctx context.Context, users []user, jobs int) error {
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for n := range jobs {
		group.Go(func() error {
			_, err := users[n%len(users)].order(working)
			return err
		})
	}
	return group.Wait()
}

// tellAttempts writes the histogram of attempts.
func tellAttempts(list []attempts) string {
	var words []string
	for _, a := range list {
		words = append(words, fmt.Sprintf("%d × %d", a.Jobs, a.Attempts))
	}
	return strings.Join(words, ", ")
}

// tellCounts writes how many jobs are in which state.
func tellCounts(counts map[string]int) string {
	var words []string
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[status], status))
	}
	return strings.Join(words, ", ")
}
