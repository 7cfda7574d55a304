// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"strings"
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

func TestHealth(t *testing.T) {
	t.Parallel()
	good, empty, old, dropped := pgtest.New(t), pgtest.Empty(t), pgtest.New(t), pgtest.New(t)
	old.Exec(t, "delete from reporting_schema_version where version_id > 1")
	dropped.Exec(t, "drop table report_job")
	for _, tt := range []struct{ name, url, want string }{
		{"well", good.Reader, ""},
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

// However often it is asked, the database is asked once a second.
func TestHealthIsRemembered(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	now := time.Now()
	health, err := postgres.NewHealth(t.Context(), db.Reader, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = health.Close(context.Background()) }()
	if err := health.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "drop table report_job")
	if err := health.Check(t.Context()); err != nil {
		t.Errorf("asked again within the second: %v", err)
	}
	now = now.Add(time.Second)
	if err := health.Check(t.Context()); err == nil {
		t.Error("not asked again after a second")
	}
}
