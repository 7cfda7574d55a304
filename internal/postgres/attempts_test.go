// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/internal/report"
)

func resultOf(text string) report.Result {
	return report.Result{ContentType: "application/gzip-json", FileName: "r.zip", Size: int64(len(text)), Data: strings.NewReader(text)}
}

func (m *lifecycle) finish(t *testing.T, run report.Attempt, text string) {
	t.Helper()
	if err := m.attempts.Finish(t.Context(), run, resultOf(text)); err != nil {
		t.Fatal(err)
	}
}

func TestBeginStartsAnAttempt(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	id := m.submit(t, "u", time.Time{}).JobID
	entry := m.entry(t, id)
	_, err := m.attempts.Begin(t.Context(), id, entry+1)
	wantKind(t, err, report.Superseded)
	_, err = m.attempts.Begin(t.Context(), report.JobID(uuid.New()), entry)
	wantKind(t, err, report.Superseded)
	if status := m.status(t, id); status != report.Queued {
		t.Fatalf("the job is %s, but no attempt began", status)
	}
	m.clock.advance(time.Second)
	run := m.begin(t, id)
	want := report.Attempt{JobID: id, Number: 1, Counted: 1, ReportClass: "com.example.Report", Parameters: []byte(`{"resourceType":"Parameters"}`), Due: noon}
	if diff := cmp.Diff(want, run); diff != "" {
		t.Error(diff)
	}
	if job := readJobs(t, m.db, "u")[0]; job.Status != report.Running || !job.Started.Equal(noon.Add(time.Second)) {
		t.Errorf("%s since %s", job.Status, job.Started)
	}
	// No other attempt begins while heartbeats arrive …
	for range 3 {
		m.clock.advance(report.HeartbeatTimeout)
		_, err = m.attempts.Begin(t.Context(), id, entry)
		wantKind(t, err, report.Superseded)
		if err := m.attempts.Heartbeat(t.Context(), run, "half"); err != nil {
			t.Fatal(err)
		}
	}
	if state, err := m.orders.State(t.Context(), "u", id); err != nil || state.Progress != "half" {
		t.Errorf("%+v, %v", state, err)
	}
	// … and one begins after they stop.
	m.clock.advance(report.HeartbeatTimeout + time.Millisecond)
	if second := m.begin(t, id); second.Number != 2 || second.Counted != 2 {
		t.Errorf("%+v", second)
	}
	if state, err := m.orders.State(t.Context(), "u", id); err != nil || state.Progress != "" {
		t.Errorf("%+v, %v: the progress of the first attempt", state, err)
	}
}

func TestBeginRefusesEndedJobs(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	for name, end := range map[string]func(report.Attempt) error{
		"done":      func(run report.Attempt) error { return m.attempts.Finish(t.Context(), run, resultOf("x")) },
		"failed":    func(run report.Attempt) error { return m.attempts.Fail(t.Context(), run, "") },
		"cancelled": func(run report.Attempt) error { return m.orders.Cancel(t.Context(), "u", run.JobID) },
	} {
		id := m.submit(t, "u", time.Time{}).JobID
		if err := end(m.begin(t, id)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m.clock.advance(time.Hour)
		_, err := m.attempts.Begin(t.Context(), id, m.entry(t, id))
		wantKind(t, err, report.Superseded)
	}
}

// An attempt changes nothing after a later one has begun, or after the job has ended.
func TestSupersededAttemptsChangeNothing(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	placed := m.submit(t, "u", time.Time{})
	id := placed.JobID
	first := m.begin(t, id)
	m.clock.advance(time.Minute)
	second := m.begin(t, id)
	nothing := func(name string, run report.Attempt) {
		t.Helper()
		before := m.everything(t)
		for what, err := range map[string]error{
			"heartbeat":          m.attempts.Heartbeat(t.Context(), run, "progress"),
			"finish":             m.attempts.Finish(t.Context(), run, resultOf("first")),
			"fail":               m.attempts.Fail(t.Context(), run, "reason"),
			"release":            m.attempts.Release(t.Context(), run, true),
			"release, uncounted": m.attempts.Release(t.Context(), run, false),
		} {
			if err == nil || report.KindOf(err) != report.Superseded {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if diff := cmp.Diff(before, m.everything(t)); diff != "" {
			t.Errorf("%s: changed something\n%s", name, diff)
		}
	}
	nothing("superseded", first)
	if err := m.attempts.Release(t.Context(), second, false); err != nil {
		t.Fatal(err)
	}
	nothing("released", second)
	third := m.begin(t, id)
	if third.Number != 3 || third.Counted != 2 {
		t.Errorf("%+v: the second attempt counts", third)
	}
	m.finish(t, third, "third")
	nothing("done", third)
	if _, data, err := m.result(t, "u", placed.Binary.ID); err != nil || string(data) != "third" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestConcurrentFinishesStoreOneResult(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it repeats a race ten times")
	}
	m := newLifecycle(t)
	for range 10 {
		placed := m.submit(t, "u", time.Time{})
		run := m.begin(t, placed.JobID)
		texts, errs := []string{"one", "two", "three"}, make([]error, 3)
		var wg sync.WaitGroup
		for i, text := range texts {
			wg.Go(func() {
				errs[i] = m.attempts.Finish(t.Context(), run, resultOf(strings.Repeat(text, report.PieceSize)))
			})
		}
		wg.Wait()
		_, data, err := m.result(t, "u", placed.Binary.ID)
		if err != nil {
			t.Fatal(err)
		}
		finished := 0
		for i, err := range errs {
			if err != nil {
				wantKind(t, err, report.Superseded)
				continue
			}
			if finished++; string(data) != strings.Repeat(texts[i], report.PieceSize) {
				t.Errorf("the result is not %s's", texts[i])
			}
		}
		if finished != 1 {
			t.Errorf("%d have finished: %v", finished, errs)
		}
	}
}

func TestResultsOfEverySize(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it stores megabytes")
	}
	m := newLifecycle(t)
	random := rand.NewChaCha8([32]byte{4})
	for _, size := range []int{0, 1, report.PieceSize - 1, report.PieceSize, report.PieceSize + 1, 2 * report.PieceSize, 5<<20 + 7} {
		placed := m.submit(t, "u", time.Time{})
		run := m.begin(t, placed.JobID)
		want := make([]byte, size)
		_, _ = random.Read(want)
		m.clock.advance(time.Second)
		result := report.Result{ContentType: "application/gzip-json", FileName: fmt.Sprintf("%d.zip", size), Size: int64(size), Data: bytes.NewReader(want)}
		if err := m.attempts.Finish(t.Context(), run, result); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		binary, got, err := m.result(t, "u", placed.Binary.ID)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, %v", len(got), size, err)
		}
		if expected := (report.Binary{
			ID: placed.Binary.ID, Version: 2, UserID: "u", ContentType: result.ContentType, LastUpdated: *m.clock.time(), Size: int64(size), FileName: result.FileName,
		}); binary != expected {
			t.Errorf("%+v, want %+v", binary, expected)
		}
		if job := readJobs(t, m.db, "u")[0]; size == 0 && (job.Status != report.Done || !job.Ended.Equal(*m.clock.time())) {
			t.Errorf("%s at %s", job.Status, job.Ended)
		}
	}
}

// A Finish that fails stores nothing, and a second one succeeds.
func TestFinishWithBrokenData(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	placed := m.submit(t, "u", time.Time{})
	run := m.begin(t, placed.JobID)
	before := m.everything(t)
	short := resultOf(strings.Repeat("x", report.PieceSize+1))
	short.Size++
	if err := m.attempts.Finish(t.Context(), run, short); err == nil || report.KindOf(err) == report.Superseded {
		t.Errorf("a result that is too short: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.attempts.Finish(ended, run, resultOf("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if diff := cmp.Diff(before, m.everything(t)); diff != "" {
		t.Errorf("a failed Finish changed something\n%s", diff)
	}
	m.finish(t, run, "whole")
	if _, data, err := m.result(t, "u", placed.Binary.ID); err != nil || string(data) != "whole" {
		t.Errorf("%q, %v", data, err)
	}
}

// A Binary that its user deletes during the attempt, or during Finish, stays deleted.
func TestDeleteDuringAnAttempt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it repeats a race thirty times")
	}
	m := newLifecycle(t)
	placed := m.submit(t, "u", time.Time{})
	run := m.begin(t, placed.JobID)
	if err := m.binaries.Delete(t.Context(), "u", placed.Binary.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, m.attempts.Heartbeat(t.Context(), run, ""), report.Superseded)
	wantKind(t, m.attempts.Finish(t.Context(), run, resultOf("x")), report.Superseded)
	if status := m.status(t, placed.JobID); status != report.Cancelled {
		t.Errorf("%s", status)
	}
	for range 30 {
		placed := m.submit(t, "u", time.Time{})
		run := m.begin(t, placed.JobID)
		var finished, deleted error
		var wg sync.WaitGroup
		wg.Go(func() {
			finished = m.attempts.Finish(t.Context(), run, resultOf(strings.Repeat("x", report.PieceSize+1)))
		})
		wg.Go(func() { deleted = m.binaries.Delete(t.Context(), "u", placed.Binary.ID) })
		wg.Wait()
		if deleted != nil {
			t.Error(deleted)
		}
		want := report.Done
		if finished != nil {
			wantKind(t, finished, report.Superseded)
			want = report.Cancelled
		}
		if status := m.status(t, placed.JobID); status != want {
			t.Errorf("%s, want %s: %v", status, want, finished)
		}
		var left int
		if m.scan(t, `select count(*) from report_binary_version where binary_id = $1`, []any{placed.Binary.ID}, &left); left != 0 {
			t.Errorf("%d versions are left", left)
		}
	}
}

func TestReasonsAndProgressOfAnyLength(t *testing.T) {
	t.Parallel()
	m := newLifecycle(t)
	for _, reason := range []string{"", "Short", strings.Repeat("æ", 2000), strings.Repeat("æ", 5000)} {
		id := m.submit(t, "u", time.Time{}).JobID
		run := m.begin(t, id)
		if err := m.attempts.Heartbeat(t.Context(), run, reason); err != nil {
			t.Errorf("progress of %d bytes: %v", len(reason), err)
		}
		if err := m.attempts.Fail(t.Context(), run, reason); err != nil {
			t.Errorf("reason of %d bytes: %v", len(reason), err)
		}
		want := string([]rune(reason)[:min(2000, len([]rune(reason)))])
		if state, err := m.orders.State(t.Context(), "u", id); err != nil || state.FailureReason != want || state.Status != report.Failed || state.Progress != "" {
			t.Errorf("%+v, %v", state, err)
		}
	}
}
