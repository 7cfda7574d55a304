// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"reporting/tools/faults/servers"
)

const (
	throughputJobs  = 600
	throughputLimit = 10 * time.Minute
)

// throughput measures how many small reports a second one process makes, and three, with
// two workers each.
func throughput(ctx context.Context, s *stage, r *result) error {
	for _, count := range []int{1, workers} {
		rate, err := s.measure(ctx, count)
		if err != nil {
			return err
		}
		s.progressf("%d processes: %.1f jobs a second", count, rate)
		r.rates = append(r.rates, rate)
	}
	return nil
}

// measure has reports waiting, and then so many processes make them.
func (s *stage) measure(ctx context.Context, count int) (rate float64, err error) {
	part := fmt.Sprintf("throughput%d", count)
	users, err := s.newUsers(ctx, part)
	if err != nil {
		return 0, err
	}
	if err := orderAll(ctx, users, throughputJobs); err != nil {
		return 0, err
	}
	var list []*servers.Service
	defer func() {
		for _, w := range list {
			_ = w.Stop()
		}
	}()
	for n := range count {
		w, err := s.worker(fmt.Sprintf("%s-%d", part, n), small)
		if err != nil {
			return 0, err
		}
		list = append(list, w)
	}
	type span struct {
		Unfinished int
		Seconds    *float64
	}
	var found []span
	if err := await(ctx, throughputLimit, func(ctx context.Context) error {
		if found, err = look[span](ctx, s, `
			select count(*) filter (where ended_at is null)::int, extract(epoch from max(ended_at) - min(started_at))::float8
			  from report_job where user_id like $1 || '%'`, part); err == nil && found[0].Unfinished > 0 {
			err = fmt.Errorf("%d jobs have not ended", found[0].Unfinished)
		}
		if err != nil {
			time.Sleep(200 * time.Millisecond) // a look takes from what is measured
		}
		return err
	}); err != nil {
		return 0, err
	}
	counts, problems, err := s.examine(ctx, part, users, throughputJobs)
	if err == nil && (len(problems) > 0 || counts[done] != throughputJobs) {
		err = fmt.Errorf("%v, %v", counts, problems)
	}
	return throughputJobs / *found[0].Seconds, err
}
