// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"reporting/internal/telemetry"
)

// counter stands in for a table of jobs: it says how often it was counted.
type counter struct {
	counts int
	takes  time.Duration
	err    error
}

func (c *counter) measure(ctx context.Context) (telemetry.JobStats, error) {
	c.counts++
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
		return telemetry.JobStats{}, ctx.Err()
	}
	return telemetry.JobStats{
		Jobs:     map[string]int64{"QUEUED": int64(c.counts)},
		Oldest:   map[string]time.Duration{"QUEUED": time.Minute},
		Finished: []telemetry.FinishedJobs{{Status: "DONE", ReportClass: "c", Jobs: 7}},
	}, c.err
}

// measured registers a counter in metrics of its own, and returns what a scrape shows of
// the queue and what was logged.
func measured(t *testing.T, c *counter) (queued func() string, log *strings.Builder) {
	t.Helper()
	m, log := telemetry.NewMetrics(telemetry.Build{}), &strings.Builder{}
	m.RegisterJobs(telemetry.JobOptions{
		Measure: c.measure, Interval: 30 * time.Second, Timeout: 5 * time.Second, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	return func() string {
		families, err := m.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		value := "absent"
		for _, f := range families {
			if f.GetName() == "reporting_jobs" {
				value = f.GetMetric()[0].GetGauge().String()
			}
		}
		return value
	}, log
}

func TestJobsAreCountedOncePerInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		queued, _ := measured(t, c)
		if c.counts != 0 {
			t.Error("counted before anybody asked")
		}
		for range 10 {
			queued()
			time.Sleep(time.Second)
		}
		if c.counts != 1 || queued() != "value:1" {
			t.Errorf("counted %d times in 10 s, told %s", c.counts, queued())
		}
		time.Sleep(30 * time.Second)
		if got := queued(); got != "value:2" {
			t.Errorf("after the interval: %s", got)
		}
	})
}

// Old figures look like good ones.
func TestJobsThatCannotBeCountedAreAbsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		queued, log := measured(t, c)
		queued()
		c.err = errors.New("no database")
		for range 3 {
			time.Sleep(31 * time.Second)
			if got := queued(); got != "absent" {
				t.Errorf("while it fails: %s", got)
			}
		}
		if n := strings.Count(log.String(), "no database"); n != 1 {
			t.Errorf("logged %d times: %s", n, log)
		}
		c.err = nil
		time.Sleep(31 * time.Second)
		if got := queued(); got != "value:5" || !strings.Contains(log.String(), "measured again") {
			t.Errorf("when it is back: %s, %s", got, log)
		}
		// Nobody scrapes for an hour, and then the database hangs.
		time.Sleep(time.Hour)
		c.takes = time.Hour
		if got := queued(); got != "absent" {
			t.Errorf("an hour later: %s", got)
		}
		time.Sleep(10 * time.Second)
	})
}

// A large table is counted less often, and no scrape waits for it.
func TestSlowCountsTakeAFiftiethOfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{takes: 3 * time.Second}
		queued, _ := measured(t, c)
		begin := time.Now()
		if got, took := queued(), time.Since(begin); got != "absent" || took != time.Second {
			t.Errorf("told %s after %v", got, took)
		}
		for time.Since(begin) < 10*time.Minute {
			time.Sleep(5 * time.Second)
			if got := queued(); got == "absent" {
				t.Errorf("absent after %v", time.Since(begin))
			}
		}
		if c.counts < 4 || c.counts > 5 {
			t.Errorf("counted %d times in ten minutes, want every 153 s", c.counts)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestReadinessIsAMetric(t *testing.T) {
	t.Parallel()
	var trouble error
	readiness := telemetry.NewReadiness(slog.New(slog.DiscardHandler),
		telemetry.Check{Name: "database", Run: func(context.Context) error { return trouble }},
		telemetry.Check{Name: "keys", Run: func(context.Context) error { return nil }})
	m := telemetry.NewMetrics(telemetry.Build{})
	m.RegisterReadiness(readiness)
	const names = `# HELP reporting_ready 1 when requests should be sent here, else 0.
# TYPE reporting_ready gauge
`
	const checks = `# HELP reporting_ready_check 1 when a check of readiness passes, else 0; absent when the service is stopping.
# TYPE reporting_ready_check gauge
`
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, names + "reporting_ready 1\n" + checks + "reporting_ready_check{check=\"database\"} 1\nreporting_ready_check{check=\"keys\"} 1\n"},
		{func() { trouble = errors.New("away") }, names + "reporting_ready 0\n" + checks + "reporting_ready_check{check=\"database\"} 0\nreporting_ready_check{check=\"keys\"} 1\n"},
		{readiness.Drain, names + "reporting_ready 0\n"},
	} {
		step.change()
		if err := testutil.GatherAndCompare(m.Registry, strings.NewReader(step.want), "reporting_ready", "reporting_ready_check"); err != nil {
			t.Error(err)
		}
	}
}

// A database that does not answer makes no scrape slow, and shows at the next one.
func TestReadinessKeepsNoScrapeWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		takes := time.Duration(0)
		m := telemetry.NewMetrics(telemetry.Build{})
		m.RegisterReadiness(telemetry.NewReadiness(slog.New(slog.DiscardHandler), telemetry.Check{Name: "database", Run: func(ctx context.Context) error {
			select {
			case <-time.After(takes):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}))
		ready := func() float64 {
			begin := time.Now()
			n, err := testutil.GatherAndCount(m.Registry, "reporting_ready")
			if err != nil || n != 1 || time.Since(begin) > 100*time.Millisecond {
				t.Fatalf("%d figures after %v, %v", n, time.Since(begin), err)
			}
			families, _ := m.Registry.Gather()
			for _, f := range families {
				if f.GetName() == "reporting_ready" {
					return f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			return -1
		}
		if ready() != 1 {
			t.Error("not ready")
		}
		takes = time.Hour
		if ready() != 1 {
			t.Error("it told what it cannot know yet")
		}
		time.Sleep(6 * time.Second)
		if ready() != 0 {
			t.Error("ready, though the check did not end")
		}
		time.Sleep(time.Hour)
	})
}
