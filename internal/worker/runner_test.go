// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/worker"
)

const itsOwnFault = "fail: The service failed because of a fault of its own"

func TestOutcomes(t *testing.T) {
	t.Parallel()
	const (
		back      = "release, counted: true"
		uncounted = "release, counted: false"
		done      = "finish application/gzip-json"
	)
	passing := &report.Failure{Reason: "The server was away", Cause: errors.New("secret words")}
	lasting := &report.Failure{Reason: "There is no such server", Permanent: true}
	for name, c := range map[string]*struct {
		runs     fakeAttempts
		generate catalog.Generator
		stop     bool // the worker has to, after a second
		outcome  report.Outcome
		told     []string // but for beats
	}{
		"done":                         {generate: group, outcome: report.AttemptDone, told: []string{done}},
		"done at last":                 {runs: fakeAttempts{counted: attempts}, generate: group, outcome: report.AttemptDone, told: []string{done}},
		"a failure that lasts":         {generate: failing(lasting), outcome: report.AttemptFailed, told: []string{"fail: There is no such server"}},
		"a failure that may pass":      {generate: failing(passing), outcome: report.AttemptRetried, told: []string{back}},
		"the same, the last time":      {runs: fakeAttempts{counted: attempts}, generate: failing(passing), outcome: report.AttemptFailed, told: []string{"fail: The server was away"}},
		"a fault":                      {generate: failing(errors.New("secret words")), outcome: report.AttemptRetried, told: []string{back}},
		"the same, the last time ":     {runs: fakeAttempts{counted: attempts}, generate: failing(errors.New("secret words")), outcome: report.AttemptFailed, told: []string{itsOwnFault}},
		"a panic":                      {generate: panicking, outcome: report.AttemptRetried, told: []string{back}},
		"a panic, the last time":       {runs: fakeAttempts{counted: attempts}, generate: panicking, outcome: report.AttemptFailed, told: []string{itsOwnFault}},
		"too long":                     {generate: waiting, outcome: report.AttemptRetried, told: []string{back}},
		"too long, the last time":      {runs: fakeAttempts{counted: attempts}, generate: waiting, outcome: report.AttemptFailed, told: []string{"fail: The report took longer than 1m0s to make"}},
		"cancelled":                    {runs: fakeAttempts{heartbeat: superseded}, generate: waiting, outcome: report.AttemptCancelled},
		"overtaken":                    {runs: fakeAttempts{finish: superseded}, generate: group, outcome: report.AttemptCancelled},
		"the worker stops":             {generate: waiting, stop: true, outcome: report.AttemptReleased, told: []string{uncounted}},
		"it stops, the last time":      {runs: fakeAttempts{counted: attempts}, generate: waiting, stop: true, outcome: report.AttemptReleased, told: []string{uncounted}},
		"it stops during an outage":    {runs: fakeAttempts{record: unavailable}, generate: waiting, stop: true, outcome: report.AttemptReleased, told: []string{uncounted}},
		"a kind that is not made here": {runs: fakeAttempts{class: "other"}, generate: group, outcome: report.AttemptFailed, told: []string{"fail: This installation does not make this kind of report"}},
		"nothing that can be read": {
			runs: fakeAttempts{parameters: `{`}, generate: group, outcome: report.AttemptFailed, told: []string{"fail: The inputs of the order cannot be read"},
		},
		"the database refuses":                  {runs: fakeAttempts{finish: refused}, generate: group, outcome: report.AttemptRetried, told: []string{back}},
		"the database refuses, the last time":   {runs: fakeAttempts{finish: refused, counted: attempts}, generate: group, outcome: report.AttemptFailed, told: []string{itsOwnFault}},
		"the end cannot be noted":               {runs: fakeAttempts{record: unavailable}, generate: failing(lasting), outcome: report.AttemptRetried, told: []string{"fail: There is no such server"}},
		"nor that it is handed back":            {runs: fakeAttempts{record: unavailable}, generate: failing(passing), outcome: report.AttemptRetried, told: []string{back}},
		"overtaken while it fails":              {runs: fakeAttempts{record: func() error { return kind(report.Superseded) }}, generate: failing(lasting), outcome: report.AttemptCancelled, told: []string{"fail: There is no such server"}},
		"overtaken while it is handed back":     {runs: fakeAttempts{record: func() error { return kind(report.Superseded) }}, generate: failing(passing), outcome: report.AttemptCancelled, told: []string{back}},
		"the database is away for half an hour": {runs: fakeAttempts{finish: func(int) error { return kind(report.Unavailable) }}, generate: group, outcome: report.AttemptRetried, told: []string{back}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.stop {
					time.AfterFunc(time.Second, cancel)
				}
				seen, outcome := attempt(t, ctx, &c.runs, c.generate)
				if seen.outcome != c.outcome || outcome != c.outcome {
					t.Errorf("observed %s, returned %s, want %s", seen.outcome, outcome, c.outcome)
				}
				told := c.runs.calls
				for len(told) > 0 && strings.HasPrefix(told[0], "heartbeat") {
					told = told[1:]
				}
				if diff := cmp.Diff(c.told, told); diff != "" && len(c.told)+len(told) > 0 {
					t.Error(diff)
				}
				if want := map[bool]string{true: worker.Unknown, false: "r"}[c.runs.class == "other"]; seen.name != want {
					t.Errorf("told of %q, want %q", seen.name, want)
				}
				if diff := cmp.Diff([]int{1, -1}, seen.busy); diff != "" {
					t.Error(diff)
				}
				if !strings.Contains(seen.log.String(), "outcome="+string(c.outcome)) {
					t.Errorf("the log says nothing: %s", seen.log.String())
				}
			})
		})
	}
}

func panicking(context.Context, catalog.Task, catalog.Output) error { panic("secret words") }
func superseded(int) error                                          { return kind(report.Superseded) }
func refused(int) error                                             { return kind(report.Internal) }
func unavailable() error                                            { return kind(report.Unavailable) }

func TestAttemptsThatDoNotBegin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		begin error
		want  report.Outcome
	}{
		{kind(report.Superseded), report.AttemptCancelled},
		{kind(report.Unavailable), report.AttemptRetried},
		{errors.New("x"), report.AttemptRetried},
	} {
		r := fakeAttempts{begin: tt.begin}
		seen, outcome := attempt(t, t.Context(), &r, group)
		if outcome != tt.want {
			t.Errorf("%v: outcome %s, want %s", tt.begin, outcome, tt.want)
		}
		if len(r.calls) > 0 || len(seen.busy) > 0 || seen.outcome != "" {
			t.Errorf("%v: something was done: %v %+v", tt.begin, r.calls, seen)
		}
	}
}

// The runner keeps a result while the database is down.
func TestFinishIsRetriedDuringAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := fakeAttempts{finish: func(n int) error {
			switch {
			case n > 4:
				return nil
			case n%2 == 0:
				return kind(report.Timeout)
			}
			return kind(report.Unavailable)
		}}
		seen, _ := attempt(t, t.Context(), &r, group)
		if seen.outcome != report.AttemptDone || r.tries != 5 {
			t.Errorf("%s after %d tries", seen.outcome, r.tries)
		}
		if seen.took != (1+2+4+8)*time.Second {
			t.Errorf("took %s", seen.took)
		}
		// It is still whole.
		made, err := zip.NewReader(bytes.NewReader(r.data), int64(len(r.data)))
		if err != nil || len(made.File) != 2 || !strings.HasSuffix(made.File[1].Name, "/G/1") {
			t.Errorf("%+v, %v", made, err)
		}
		if r.heartbeats < 4 { // the attempt keeps its lease
			t.Errorf("%d heartbeats", r.heartbeats)
		}
	})
}

func TestRetriesOfFinishEndWithTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := fakeAttempts{finish: func(int) error { return kind(report.Unavailable) }}
		seen, _ := attempt(t, t.Context(), &r, group)
		if seen.outcome != report.AttemptRetried || seen.took != limit {
			t.Errorf("%s after %s", seen.outcome, seen.took)
		}
	})
}

// A worker that stops does not wait for the database.
func TestStopDuringAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := fakeAttempts{finish: func(int) error { return kind(report.Unavailable) }}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		seen, _ := attempt(t, ctx, &r, group)
		if seen.outcome != report.AttemptReleased || seen.took != 3500*time.Millisecond {
			t.Errorf("%s after %s", seen.outcome, seen.took)
		}
	})
}

func TestHeartbeatsSendProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := fakeAttempts{heartbeat: func(n int) error {
			if n == 2 {
				return kind(report.Unavailable) // is logged, and the attempt goes on
			}
			return nil
		}}
		seen, _ := attempt(t, t.Context(), &r, func(_ context.Context, task catalog.Task, _ catalog.Output) error {
			for n := range 10 {
				task.Progress(fmt.Sprintf("%d s", n))
				time.Sleep(time.Second)
			}
			return nil
		})
		want := []string{"heartbeat 2 s", "heartbeat 5 s", "heartbeat 8 s", "finish application/gzip-json"}
		got := append([]string(nil), r.calls...)
		for i := range got { // at that very second either may come first
			for _, late := range []struct{ is, was string }{{"heartbeat 3 s", "heartbeat 2 s"}, {"heartbeat 6 s", "heartbeat 5 s"}, {"heartbeat 9 s", "heartbeat 8 s"}} {
				got[i] = strings.ReplaceAll(got[i], late.is, late.was)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if log := seen.log.String(); seen.outcome != report.AttemptDone || strings.Count(log, "heartbeat failed") != 1 {
			t.Errorf("%s: %s", seen.outcome, log)
		}
		time.Sleep(time.Hour)
		if r.heartbeats != 3 {
			t.Error("heartbeats after the end")
		}
	})
}

// A cancelled attempt ends with its next heartbeat.
func TestCancelledAttemptsEndSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := fakeAttempts{heartbeat: func(n int) error {
			if n == 4 {
				return kind(report.Superseded)
			}
			return nil
		}}
		seen, _ := attempt(t, t.Context(), &r, waiting)
		if seen.outcome != report.AttemptCancelled || seen.took != 4*report.HeartbeatInterval {
			t.Errorf("%s after %s", seen.outcome, seen.took)
		}
	})
}
