// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

func checkHealth(t *testing.T, url string) error {
	t.Helper()
	health, err := postgres.NewHealth(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = health.Close(context.Background()) }()
	return health.Check(t.Context())
}

func TestHealthReportsFaults(t *testing.T) {
	t.Parallel()
	good, empty, old, dropped := pgtest.New(t), pgtest.Empty(t), pgtest.New(t), pgtest.New(t)
	old.Exec(t, "delete from reporting_schema_version where version_id > 1")
	dropped.Exec(t, "drop table report_job cascade")
	for _, tt := range []struct{ name, url, want string }{
		{"correct", good.Reader, ""},
		{"no schema", empty.Superuser, "run \"reporting migrate\""},
		{"old schema", old.Reader, "run \"reporting migrate\""},
		{"table dropped", dropped.Reader, "run \"reporting migrate\""},
		{"no privilege", good.Producer, "reporting_reader"},
		{"away", "postgres://nobody@127.0.0.1:1/nowhere", "cannot be reached"},
	} {
		err := checkHealth(t, tt.url)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// openHealth returns a check that is closed at the end of the test.
func openHealth(t *testing.T, db pgtest.Database, now func() time.Time) *postgres.Health {
	t.Helper()
	health, err := postgres.NewHealth(t.Context(), db.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = health.Close(context.Background()) })
	return health
}

// A result is valid for a second.
func TestHealthKeepsResult(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	now := time.Now()
	health := openHealth(t, db, func() time.Time { return now })
	if err := health.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "drop table report_job cascade")
	if err := health.Check(t.Context()); err != nil {
		t.Errorf("checked again within the second: %v", err)
	}
	now = now.Add(time.Second)
	if err := health.Check(t.Context()); err == nil {
		t.Error("not checked again after a second")
	}
}

// A connection that died since the last check is no fault of the database.
func TestHealthReplacesLostConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	now := time.Now()
	health := openHealth(t, db, func() time.Time { return now })
	for range 5 {
		if err := health.Check(t.Context()); err != nil {
			t.Errorf("check: %v", err)
		}
		terminate(t, db)
		now = now.Add(time.Minute)
	}
}

// Concurrent callers share one check of a database that hangs.
func TestHealthSharesOneCheck(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for timeouts")
	}
	db := pgtest.New(t)
	blocker := pgtest.Connect(t, db.Superuser)
	if _, err := blocker.Exec(t.Context(), "begin; lock table reporting_schema_version in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	health := openHealth(t, db, time.Now)
	health.SetTimeout(300 * time.Millisecond)
	begin := time.Now()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := health.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "in time") {
				t.Errorf("check: %v", err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(begin); took > 3*time.Second { // one after the other they would take twelve
		t.Errorf("twenty checks took %v", took)
	}
}

// The connections of the pool still work when the server accepts no more.
func TestHealthToleratesFullServer(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	login := uniqueRole()
	db.Exec(t, "create role "+login+" login in role reporting_reader")
	url := strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+login+"@", 1)
	now := time.Now()
	health, err := postgres.NewHealth(t.Context(), url, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = health.Close(context.Background()) }()
	if err := health.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "alter role "+login+" connection limit 0")
	terminate(t, db)
	for range 2 { // the dead connection is noticed and a new one refused; then only the latter
		now = now.Add(time.Minute)
		if err := health.Check(t.Context()); err != nil {
			t.Errorf("not ready for want of one more connection: %v", err)
		}
	}
	if err := checkHealth(t, url); err == nil || !strings.Contains(err.Error(), "53300") {
		t.Errorf("a service that never had a connection is ready: %v", err)
	}
}
