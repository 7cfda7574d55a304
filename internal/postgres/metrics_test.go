// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

func TestPoolMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	pool := openPool(t, pgtest.New(t).Reader, 3)
	pool.Register(registry, "reporting_db_pool_")
	jobs := postgres.NewJobStore(pool, time.Second)
	err := jobs.EachJob(t.Context(), newest("u"), ignore)
	if err != nil {
		t.Fatal(err)
	}
	const want = `# HELP reporting_db_pool_acquires_total Connections taken from the pool.
# TYPE reporting_db_pool_acquires_total counter
reporting_db_pool_acquires_total 1
# HELP reporting_db_pool_connections Open database connections, by state.
# TYPE reporting_db_pool_connections gauge
reporting_db_pool_connections{state="idle"} 1
reporting_db_pool_connections{state="in_use"} 0
# HELP reporting_db_pool_max_connections Limit of the pool's database connections.
# TYPE reporting_db_pool_max_connections gauge
reporting_db_pool_max_connections 3
`
	eventually(t, "the connection is back in the pool", func() bool {
		return testutil.GatherAndCompare(registry, strings.NewReader(want),
			"reporting_db_pool_acquires_total", "reporting_db_pool_connections", "reporting_db_pool_max_connections") == nil
	})
	n, err := testutil.GatherAndCount(registry, "reporting_db_pool_waits_total", "reporting_db_pool_acquires_given_up_total", "reporting_db_pool_wait_seconds_total")
	if n != 3 || err != nil {
		t.Errorf("%d of 3 metrics of waits, %v", n, err)
	}
}

// Errors of the caller and of yield are none of the database.
func TestReadMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	metrics := postgres.NewReadMetrics(registry)
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	read := func(url string, yield func(*report.Job) error) {
		jobs := postgres.NewJobStore(openPool(t, url, 1), time.Second)
		jobs.Instrument(metrics, slog.New(slog.DiscardHandler))
		_ = jobs.EachJob(t.Context(), newest("u"), yield)
	}
	read(db.Reader, ignore)
	read(db.Reader, func(*report.Job) error { return errors.New("mine") })
	read(db.Producer, ignore)                             // may not read
	read("postgres://nobody@127.0.0.1:1/nowhere", ignore) // no server
	const want = `# HELP reporting_db_errors_total Failed reads of jobs by kind: unavailable, timeout, or internal, which is permanent.
# TYPE reporting_db_errors_total counter
reporting_db_errors_total{kind="internal"} 1
reporting_db_errors_total{kind="timeout"} 0
reporting_db_errors_total{kind="unavailable"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "reporting_db_errors_total"); err != nil {
		t.Error(err)
	}
	counts := map[string]uint64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		counts[f.GetName()] = f.GetMetric()[0].GetHistogram().GetSampleCount()
	}
	if counts["reporting_db_wait_duration_seconds"] != 4 || counts["reporting_db_query_duration_seconds"] != 3 {
		t.Errorf("%v", counts)
	}
}
