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

// A check that hangs does not delay a scrape. A later scrape shows it.
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
				t.Fatalf("%d metrics after %v, %v", n, time.Since(begin), err)
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
			t.Error("not ready before the check has ended")
		}
		time.Sleep(6 * time.Second)
		if ready() != 0 {
			t.Error("ready, though the check did not end")
		}
		time.Sleep(time.Hour)
	})
}
