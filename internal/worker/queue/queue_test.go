// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/worker/queue"
)

const patience = 60 * time.Second // nothing here depends on speed

// harness is a queue on a database of its own. It counts the attempts of each job.
type harness struct {
	t       *testing.T
	db      pgtest.Database
	entries *queue.Queue
	pool    *postgres.Pool

	mu       sync.Mutex
	now      time.Time
	attempts map[report.JobID]int
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	entries, err := queue.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &harness{t: t, db: pgtest.New(t), entries: entries, now: time.Now().UTC(), attempts: map[report.JobID]int{}}
	if b.pool, err = postgres.OpenAs(t.Context(), b.db.Superuser, postgres.WorkerRole, 20); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.pool.Close(context.Background()) })
	return b
}

func (b *harness) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *harness) advance(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(by)
}

func (b *harness) attemptsOf(id report.JobID) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.attempts[id]
}

// start starts workers that stop at the end of the test.
func (b *harness) start(timeout, grace time.Duration, attempt func(ctx context.Context, id report.JobID, entry int64) report.Outcome) *queue.Workers {
	b.t.Helper()
	w, err := queue.Start(b.t.Context(), queue.Options{
		Pool: b.pool.Sessions(), Workers: 4, Timeout: timeout, Grace: grace, Log: slog.New(slog.DiscardHandler), Now: b.time,
		PollInterval: 5 * time.Millisecond,
		Attempt: func(ctx context.Context, id report.JobID, entry int64) report.Outcome {
			b.mu.Lock()
			b.attempts[id]++
			b.mu.Unlock()
			return attempt(ctx, id, entry)
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := w.Stop(context.Background()); err != nil {
			b.t.Error(err)
		}
	})
	return w
}

func (b *harness) transact(do func(tx pgx.Tx) error) {
	b.t.Helper()
	if err := pgx.BeginFunc(b.t.Context(), b.pool.Sessions(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *harness) insert(due time.Time) (id report.JobID, entry int64) {
	b.t.Helper()
	id = report.JobID(uuid.New())
	b.transact(func(tx pgx.Tx) (err error) {
		entry, err = b.entries.Insert(b.t.Context(), tx, id, due)
		return err
	})
	return id, entry
}

// wait waits until something is so.
func (b *harness) wait(what string, is func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never: %s", what)
		}
	}
}

// state is that of an entry, and when it is due.
func (b *harness) state(entry int64) (state string, due time.Time) {
	b.t.Helper()
	if err := b.pool.Sessions().QueryRow(b.t.Context(), `select state, scheduled_at from reporting_river.river_job where id = $1`, entry).Scan(&state, &due); err != nil {
		b.t.Fatal(err)
	}
	return state, due
}

func (b *harness) waitCompleted(entry int64) {
	b.t.Helper()
	b.wait("an entry is completed", func() bool {
		state, _ := b.state(entry)
		return state == "completed"
	})
}

const grace = time.Millisecond

func done(context.Context, report.JobID, int64) report.Outcome { return report.AttemptDone }

func TestConcurrentWorkersStartEachEntryOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for River to start")
	}
	b := newHarness(t)
	given := map[report.JobID]int64{}
	var mu sync.Mutex
	for range 40 {
		id, entry := b.insert(b.now)
		given[id] = entry
	}
	for range 3 {
		b.start(time.Minute, grace, func(_ context.Context, id report.JobID, entry int64) report.Outcome {
			mu.Lock()
			defer mu.Unlock()
			if given[id] != entry {
				t.Errorf("job %s with entry %d, want %d", id, entry, given[id])
			}
			return report.AttemptDone
		})
	}
	for _, entry := range given {
		b.waitCompleted(entry)
	}
	for id := range given {
		if n := b.attemptsOf(id); n != 1 {
			t.Errorf("%s was worked %d times", id, n)
		}
	}
}

func TestInsertIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	b := newHarness(t)
	stop := errors.New("stop")
	err := pgx.BeginFunc(t.Context(), b.pool.Sessions(), func(tx pgx.Tx) error {
		if _, err := b.entries.Insert(t.Context(), tx, report.JobID{1}, time.Time{}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	var n int
	if err := b.pool.Sessions().QueryRow(t.Context(), `select count(*) from reporting_river.river_job`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestRetriedAttemptsWaitForTheBackoff(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: River's scheduler runs every five seconds of real time")
	}
	b := newHarness(t)
	b.start(time.Minute, grace, func(_ context.Context, id report.JobID, _ int64) report.Outcome {
		switch b.attemptsOf(id) {
		case 1, 2:
			return report.AttemptRetried
		case 3:
			panic("not yet")
		}
		return report.AttemptDone
	})
	id, entry := b.insert(b.now)
	for try, pause := range []time.Duration{5 * time.Second, 20 * time.Second, 45 * time.Second} {
		b.wait("it is to be tried again", func() bool {
			_, due := b.state(entry)
			return b.attemptsOf(id) == try+1 && due.After(b.time())
		})
		if _, due := b.state(entry); due.Sub(b.time()).Round(time.Millisecond) != pause {
			t.Errorf("try %d: again after %s, want %s", try+1, due.Sub(b.time()), pause)
		}
		b.advance(pause)
	}
	b.waitCompleted(entry)
	if n := b.attemptsOf(id); n != 4 {
		t.Errorf("tried %d times", n)
	}
}

func TestEntriesStartWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: River's scheduler runs every five seconds of real time")
	}
	b := newHarness(t)
	b.start(time.Minute, grace, done)
	later, entry := b.insert(b.now.Add(8 * time.Hour))
	_, soon := b.insert(b.time())
	b.waitCompleted(soon)
	b.advance(8*time.Hour - time.Second)
	_, soon = b.insert(b.time()) // a worker that takes this entry would have taken the other one
	b.waitCompleted(soon)
	if b.attemptsOf(later) != 0 {
		t.Error("worked before it was due")
	}
	b.advance(time.Second)
	b.waitCompleted(entry)
	if n := b.attemptsOf(later); n != 1 {
		t.Errorf("worked %d times", n)
	}
}

func TestCancelledEntriesDoNotStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for River to elect a leader")
	}
	b := newHarness(t)
	waiting, entry := b.insert(b.now)
	b.transact(func(tx pgx.Tx) error { return b.entries.Cancel(t.Context(), tx, entry) })
	b.start(time.Minute, grace, done)
	_, later := b.insert(b.now)
	b.waitCompleted(later)
	if b.attemptsOf(waiting) != 0 {
		t.Error("the cancelled entry started")
	}
	if state, _ := b.state(entry); state != "cancelled" {
		t.Errorf("the entry is %s, want cancelled", state)
	}
	// River deletes ended entries after a day.
	b.db.Exec(t, `delete from reporting_river.river_job where id = $1`, entry)
	b.transact(func(tx pgx.Tx) error { return b.entries.Cancel(t.Context(), tx, entry) })
}

// Workers that stop release running attempts after the grace period.
func TestStopReleasesAttempts(t *testing.T) {
	t.Parallel()
	b := newHarness(t)
	handed := make(chan error, 1)
	w := b.start(time.Hour, 50*time.Millisecond, func(ctx context.Context, _ report.JobID, _ int64) report.Outcome {
		<-ctx.Done()
		handed <- context.Cause(ctx)
		return report.AttemptReleased
	})
	id, entry := b.insert(b.now)
	b.wait("it runs", func() bool { return b.attemptsOf(id) == 1 })
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case why := <-handed:
		if why == nil {
			t.Error("no reason to stop")
		}
	default:
		t.Error("stopped before the work has ended")
	}
	if state, _ := b.state(entry); state != "available" {
		t.Errorf("the entry is %s, want available", state)
	}
	b.start(time.Minute, grace, done)
	b.waitCompleted(entry)
}

func TestStopWaitsForAttemptsThatEndSoon(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for River to start")
	}
	b := newHarness(t)
	finish := make(chan struct{})
	w := b.start(time.Hour, patience, func(ctx context.Context, _ report.JobID, _ int64) report.Outcome {
		select {
		case <-finish:
			return report.AttemptDone
		case <-ctx.Done():
			return report.AttemptReleased
		}
	})
	id, entry := b.insert(b.now)
	b.wait("it runs", func() bool { return b.attemptsOf(id) == 1 })
	time.AfterFunc(100*time.Millisecond, func() { close(finish) })
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state, _ := b.state(entry); state != "completed" {
		t.Errorf("the entry is %s", state)
	}
	late, _ := b.insert(b.now)
	if b.attemptsOf(late) != 0 {
		t.Error("something is begun after the end")
	}
}

func TestTimeoutEndsAttempts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for River to start")
	}
	b := newHarness(t)
	ended := make(chan error, 10)
	b.start(200*time.Millisecond, grace, func(ctx context.Context, _ report.JobID, _ int64) report.Outcome {
		<-ctx.Done()
		ended <- ctx.Err()
		return report.AttemptDone
	})
	_, entry := b.insert(b.now)
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	b.waitCompleted(entry)
}
