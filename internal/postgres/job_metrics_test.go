// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reporting/internal/postgres"
	"reporting/internal/report"
)

// counter is a fake table of jobs: its counts are the number of times it was counted.
type counter struct {
	counts int
	takes  time.Duration
	err    error
}

func (c *counter) count(ctx context.Context) (postgres.JobCounts, error) {
	c.counts++
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
		return postgres.JobCounts{}, ctx.Err()
	}
	return postgres.JobCounts{
		Jobs:     map[report.Status]int64{report.Queued: int64(c.counts)},
		Oldest:   map[report.Status]time.Duration{report.Queued: time.Minute},
		Finished: []postgres.Finished{{Status: report.Done, ReportClass: "c", Jobs: 7}},
	}, c.err
}

// registerCounter registers job metrics of a counter. It returns a function that scrapes the
// number of queued jobs, and the log.
func registerCounter(t *testing.T, c *counter) (queued func() string, log *strings.Builder) {
	t.Helper()
	registry, log := prometheus.NewRegistry(), &strings.Builder{}
	postgres.RegisterJobMetrics(registry, postgres.JobMetricsOptions{
		Count: c.count, Interval: 30 * time.Second, Timeout: 5 * time.Second, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	return func() string {
		families, err := registry.Gather()
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

func TestJobMetricsCountOncePerInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		queued, _ := registerCounter(t, c)
		if c.counts != 0 {
			t.Error("counted before a scrape")
		}
		for range 10 {
			queued()
			time.Sleep(time.Second)
		}
		if c.counts != 1 || queued() != "value:1" {
			t.Errorf("counted %d times in 10 s, shows %s", c.counts, queued())
		}
		time.Sleep(30 * time.Second)
		if got := queued(); got != "value:2" {
			t.Errorf("after the interval: %s", got)
		}
	})
}

// An old figure looks like a current one.
func TestJobMetricsAreAbsentAfterAFailedCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		queued, log := registerCounter(t, c)
		queued()
		c.err = errors.New("no database")
		for range 3 {
			time.Sleep(31 * time.Second)
			if got := queued(); got != "absent" {
				t.Errorf("while counts fail: %s", got)
			}
		}
		if n := strings.Count(log.String(), "no database"); n != 1 {
			t.Errorf("logged %d times: %s", n, log)
		}
		c.err = nil
		time.Sleep(31 * time.Second)
		if got := queued(); got != "value:5" || !strings.Contains(log.String(), "succeeded again") {
			t.Errorf("after a successful count: %s, %s", got, log)
		}
		// There is no scrape for an hour, and then the database hangs.
		time.Sleep(time.Hour)
		c.takes = time.Hour
		if got := queued(); got != "absent" {
			t.Errorf("an hour later: %s", got)
		}
		time.Sleep(10 * time.Second)
	})
}

// A large table is counted less often, and no scrape waits for it.
func TestJobMetricsCountForAFiftiethOfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{takes: 3 * time.Second}
		queued, _ := registerCounter(t, c)
		begin := time.Now()
		if got, took := queued(), time.Since(begin); got != "absent" || took != time.Second {
			t.Errorf("shows %s after %v", got, took)
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
