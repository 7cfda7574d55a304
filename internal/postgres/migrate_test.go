// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"reporting/internal/devpg"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

// uniqueRole names a role that no other test, and no other run of the same one,
// has made in the shared cluster.
func uniqueRole() string { return "role_" + strings.ReplaceAll(uuid.NewString(), "-", "") }

var discard = slog.New(slog.DiscardHandler)

func TestFiveMigrateAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it migrates five times")
	}
	db := pgtest.Empty(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if version, err := postgres.Migrate(t.Context(), db.Superuser, discard); err != nil || version == 0 {
				t.Errorf("version %d: %v", version, err)
			}
		})
	}
	wg.Wait()
	if jobs := readJobs(t, db, "u"); len(jobs) != 0 {
		t.Error("a new table has jobs")
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Load(t, job("u", noon))
	if _, err := postgres.Migrate(t.Context(), db.Superuser, discard); err != nil {
		t.Fatal(err)
	}
	if jobs := readJobs(t, db, "u"); len(jobs) != 1 {
		t.Errorf("%d jobs after migrating again, want 1", len(jobs))
	}
}

// A managed database gives no superuser. Roles belong to the whole cluster, so
// these tests have one of their own, and the second way comes after the first.
func TestMigrateWithoutSuperuser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster of its own")
	}
	server, err := devpg.Start(t.Context(), devpg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	admin := pgtest.Connect(t, server.URL("postgres", "postgres"))
	for _, sql := range []string{
		"create role deployer login createrole",
		"create role member login",
		"create role another login",
		"create database one owner deployer",
		"create database two owner member",
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	migrate := func(user, database string) {
		t.Helper()
		if _, err := postgres.Migrate(t.Context(), server.URL(user, database), discard); err != nil {
			t.Errorf("%s migrates %s: %v", user, database, err)
		}
	}
	migrate("deployer", "one") // owns the database, may create roles, and no role exists
	if _, err := admin.Exec(t.Context(), "grant reporting_owner to member, another"); err != nil {
		t.Fatal(err)
	}
	migrate("member", "two") // owns the database, may create nothing else; the roles exist
	one := pgtest.Connect(t, server.URL("postgres", "one"))
	if _, err := one.Exec(t.Context(), `drop table report_attempt, report_binary_piece, report_binary_version, report_binary, report_job; drop function report_job_check_transition, report_job_counts, report_job_finished;
		drop schema reporting_river cascade; create schema reporting_river authorization reporting_owner; -- as an administrator prepares it
		delete from reporting_schema_version where version_id >= 2`); err != nil {
		t.Fatal(err)
	}
	migrate("another", "one") // another member carries on where the first one left off
}

func TestMigrateWithoutRightsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it migrates an empty database")
	}
	db := pgtest.Empty(t)
	role := uniqueRole()
	db.Exec(t, "create role "+role)
	_, err := postgres.Migrate(t.Context(), postgres.WithRole(db.Superuser, role), discard)
	if err == nil || !strings.Contains(err.Error(), "CREATEROLE") {
		t.Errorf("unhelpful: %v", err)
	}
}
