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

// bench is a queue on a database of its own, and what was done for its entries.
type bench struct {
	t       *testing.T
	db      pgtest.Database
	entries *queue.Entries
	pool    *postgres.Pool

	mu   sync.Mutex
	now  time.Time
	done map[report.JobID]int // how often
}

func newBench(t *testing.T) *bench {
	t.Helper()
	entries, err := queue.NewEntries()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: pgtest.New(t), entries: entries, now: time.Now().UTC(), done: map[report.JobID]int{}}
	if b.pool, err = postgres.OpenAs(t.Context(), b.db.Superuser, postgres.WorkerRole, 20); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.pool.Close(context.Background()) })
	return b
}

func (b *bench) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) turn(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(by)
}

func (b *bench) times(id report.JobID) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done[id]
}

// start starts workers that end with the test, and count what they do before they do it.
func (b *bench) start(timeout time.Duration, do func(ctx context.Context, id report.JobID, entry int64) error) *queue.Workers {
	b.t.Helper()
	w, err := queue.NewWorkers(queue.Options{
		Pool: b.pool.Sessions(), Workers: 4, Timeout: timeout, Log: slog.New(slog.DiscardHandler), Now: b.time,
		Do: func(ctx context.Context, id report.JobID, entry int64) error {
			b.mu.Lock()
			b.done[id]++
			b.mu.Unlock()
			return do(ctx, id, entry)
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := w.Start(context.WithoutCancel(b.t.Context())); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := w.Stop(context.Background(), 0); err != nil {
			b.t.Error(err)
		}
	})
	return w
}

func (b *bench) transact(do func(tx pgx.Tx) error) {
	b.t.Helper()
	if err := pgx.BeginFunc(b.t.Context(), b.pool.Sessions(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) add(due time.Time) (id report.JobID, entry int64) {
	b.t.Helper()
	id = report.JobID(uuid.New())
	b.transact(func(tx pgx.Tx) (err error) {
		entry, err = b.entries.Add(b.t.Context(), tx, id, due)
		return err
	})
	return id, entry
}

// wait waits until something is so.
func (b *bench) wait(what string, is func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never: %s", what)
		}
	}
}

// state is that of an entry, and when it is due.
func (b *bench) state(entry int64) (state string, due time.Time) {
	b.t.Helper()
	if err := b.pool.Sessions().QueryRow(b.t.Context(), `select state, scheduled_at from river_job where id = $1`, entry).Scan(&state, &due); err != nil {
		b.t.Fatal(err)
	}
	return state, due
}

func (b *bench) waitFor(entry int64, want string) {
	b.t.Helper()
	b.wait("an entry is "+want, func() bool {
		state, _ := b.state(entry)
		return state == want
	})
}

func over(context.Context, report.JobID, int64) error { return queue.ErrOver }

// However many work, each entry is worked once.
func TestEntriesAreWorkedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	given := map[report.JobID]int64{}
	var mu sync.Mutex
	for range 40 {
		id, entry := b.add(b.now)
		given[id] = entry
	}
	for range 3 {
		b.start(time.Minute, func(_ context.Context, id report.JobID, entry int64) error {
			mu.Lock()
			defer mu.Unlock()
			if given[id] != entry {
				t.Errorf("job %s with entry %d, want %d", id, entry, given[id])
			}
			return queue.ErrOver
		})
	}
	for _, entry := range given {
		b.waitFor(entry, "completed")
	}
	for id := range given {
		if n := b.times(id); n != 1 {
			t.Errorf("%s was worked %d times", id, n)
		}
	}
}

// An entry is part of the transaction that adds it.
func TestEntriesOfNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stop := errors.New("stop")
	err := pgx.BeginFunc(t.Context(), b.pool.Sessions(), func(tx pgx.Tx) error {
		if _, err := b.entries.Add(t.Context(), tx, report.JobID{1}, time.Time{}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	var n int
	if err := b.pool.Sessions().QueryRow(t.Context(), `select count(*) from river_job`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestErrorsAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(time.Minute, func(_ context.Context, id report.JobID, _ int64) error {
		switch b.times(id) {
		case 1, 2:
			return errors.New("not yet")
		case 3:
			panic("not yet")
		}
		return queue.ErrOver
	})
	id, entry := b.add(b.now)
	for try, pause := range []time.Duration{5 * time.Second, 20 * time.Second, 45 * time.Second} {
		b.wait("it is to be tried again", func() bool {
			_, due := b.state(entry)
			return b.times(id) == try+1 && due.After(b.time())
		})
		if _, due := b.state(entry); due.Sub(b.time()).Round(time.Millisecond) != pause {
			t.Errorf("try %d: again after %s, want %s", try+1, due.Sub(b.time()), pause)
		}
		b.turn(pause)
	}
	b.waitFor(entry, "completed")
	if n := b.times(id); n != 4 {
		t.Errorf("tried %d times", n)
	}
}

func TestEntriesWaitUntilTheyAreDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(time.Minute, over)
	later, entry := b.add(b.now.Add(8 * time.Hour))
	_, soon := b.add(b.time())
	b.waitFor(soon, "completed")
	b.turn(8*time.Hour - time.Second)
	_, soon = b.add(b.time()) // whoever sees this one would have seen the other
	b.waitFor(soon, "completed")
	if b.times(later) != 0 {
		t.Error("worked before it was due")
	}
	b.turn(time.Second)
	b.waitFor(entry, "completed")
	if n := b.times(later); n != 1 {
		t.Errorf("worked %d times", n)
	}
}

// What is taken back is not begun, and ends where it was.
func TestDrop(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	waiting, entry := b.add(b.now)
	b.transact(func(tx pgx.Tx) error { return b.entries.Drop(t.Context(), tx, entry) })
	ended := make(chan struct{})
	b.start(time.Minute, func(ctx context.Context, _ report.JobID, _ int64) error {
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	})
	running, second := b.add(b.now)
	b.wait("it runs", func() bool { return b.times(running) == 1 })
	b.transact(func(tx pgx.Tx) error { return b.entries.Drop(t.Context(), tx, second) })
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	b.waitFor(second, "cancelled")
	if b.times(waiting) != 0 || b.times(running) != 1 {
		t.Errorf("begun %d and %d times", b.times(waiting), b.times(running))
	}
	// An entry that is there no more is no reason to fail: it was cleared away.
	b.db.Exec(t, `delete from river_job where id = $1`, entry)
	b.transact(func(tx pgx.Tx) error { return b.entries.Drop(t.Context(), tx, entry) })
}

// Workers that stop wait for a while, and then hand back what they are at.
func TestStop(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	handed := make(chan error, 1)
	w := b.start(time.Hour, func(ctx context.Context, _ report.JobID, _ int64) error {
		<-ctx.Done()
		handed <- context.Cause(ctx)
		return ctx.Err()
	})
	id, entry := b.add(b.now)
	b.wait("it runs", func() bool { return b.times(id) == 1 })
	if err := w.Stop(t.Context(), 50*time.Millisecond); err != nil {
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
	if state, _ := b.state(entry); state == "running" || state == "completed" {
		t.Errorf("the entry is %s", state)
	}
	b.start(time.Minute, over)
	b.turn(time.Minute)
	b.waitFor(entry, "completed")
}

func TestStopWaitsForWhatEndsSoon(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	finish := make(chan struct{})
	w := b.start(time.Hour, func(ctx context.Context, _ report.JobID, _ int64) error {
		select {
		case <-finish:
			return queue.ErrOver
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	id, entry := b.add(b.now)
	b.wait("it runs", func() bool { return b.times(id) == 1 })
	time.AfterFunc(100*time.Millisecond, func() { close(finish) })
	if err := w.Stop(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	if state, _ := b.state(entry); state != "completed" {
		t.Errorf("the entry is %s", state)
	}
	late, _ := b.add(b.now)
	if b.times(late) != 0 {
		t.Error("something is begun after the end")
	}
}

func TestWorkEndsInTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ended := make(chan error, 10)
	b.start(200*time.Millisecond, func(ctx context.Context, _ report.JobID, _ int64) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return queue.ErrOver
	})
	_, entry := b.add(b.now)
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	b.waitFor(entry, "completed")
}
