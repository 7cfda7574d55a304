// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"reporting/tools/bench/figures"

	"reporting/tools/faults/calls"
	"reporting/tools/faults/servers"
)

// writer makes jobs for one user, and remembers when each was committed.
type writer struct {
	mu        sync.Mutex
	committed map[string]time.Time
	seen      map[string]time.Duration // after its commit, by the first client that saw it
}

const (
	writtenUser = "written"
	writeEvery  = 100 * time.Millisecond
	// A standby that keeps up is milliseconds behind; this is for a busy machine.
	visibleWithin = 3 * time.Second
)

// newJobs inserts jobs on the primary while clients read from the standby, and looks how
// long each takes to show up.
func (sc *scene) newJobs(out *stageOut, where string) error {
	w := &writer{committed: map[string]time.Time{}, seen: map[string]time.Duration{}}
	token, err := sc.issuer.Token(writtenUser)
	if err != nil {
		return err
	}
	crowd, err := calls.Start(sc.ctx, calls.Plan{
		Addr: func() string { return out.balancer.Addr }, Clients: 2, Every: unhurried / 2,
		Callers: []calls.Caller{{Token: func() (string, error) { return token, nil }, Right: w.look}},
	})
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := w.write(sc.ctx, out.primary, 3*time.Second); err != nil {
		crowd.Stop()
		return err
	}
	well := crowd.AwaitWell(sc.ctx, recoverWithin)
	r := judge(crowd.Stop(), begin, begin, well, expectation{})
	sc.tell(play{what: where + "new jobs on the primary"}, r)
	return w.tell(sc)
}

// write inserts a job now and then.
func (w *writer) write(ctx context.Context, primary *servers.Postgres, lasts time.Duration) error {
	conn, err := pgx.Connect(ctx, primary.URL(servers.Producer, database, 0))
	if err != nil {
		return fmt.Errorf("connect as a producer: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		var id string
		err := conn.QueryRow(ctx, `insert into report_job (report_class, user_id, status, parameters)
			values ('dk.sundhed.ehealth.report.ActivityReport', $1, 'QUEUED', '{"resourceType":"Parameters"}') returning id::text`, writtenUser).Scan(&id)
		if err != nil {
			return fmt.Errorf("insert a job: %w", err)
		}
		w.mu.Lock()
		w.committed[id] = time.Now()
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(writeEvery):
		}
	}
	return nil
}

// look is what a client does with a list: which jobs are there for the first time, and is
// one missing that should be there by now?
func (w *writer) look(body []byte) error {
	jobs, err := calls.ReadList(body, writtenUser)
	if err != nil {
		return err
	}
	now := time.Now()
	there := map[string]bool{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, job := range jobs {
		there[job.ID] = true
		// It may be there before its writer heard of it.
		if at, known := w.committed[job.ID]; known {
			if _, before := w.seen[job.ID]; !before {
				w.seen[job.ID] = now.Sub(at)
			}
		}
	}
	for id, at := range w.committed {
		if !there[id] && now.Sub(at) > visibleWithin {
			return fmt.Errorf("a job is not to be seen %v after it was committed", now.Sub(at))
		}
	}
	return nil
}

func (w *writer) tell(sc *scene) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.committed) == 0 || len(w.seen) < len(w.committed) {
		sc.problemf("of %d new jobs %d were seen", len(w.committed), len(w.seen))
	}
	var times []float64
	slowest := time.Duration(0)
	for _, d := range w.seen {
		times = append(times, float64(d))
		slowest = max(slowest, d)
	}
	slices.Sort(times)
	sc.notef("%d jobs were inserted, one every %v, and read from the standby: seen %s ms after their commit (median; %s at most), which includes the clients' pauses",
		len(w.committed), writeEvery, figures.Milliseconds(time.Duration(figures.Median(times))), figures.Milliseconds(slowest))
	return nil
}
