// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

var discard = slog.New(slog.DiscardHandler)

func TestFiveMigrateAtOnce(t *testing.T) {
	t.Parallel()
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

// A managed database gives no superuser: the owner of a database who may create
// roles is enough.
func TestMigrateWithoutSuperuser(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	db.Exec(t, `do $$ begin
		create role deployer login createrole;
		execute format('alter database %I owner to deployer', current_database());
	end $$`)
	if _, err := postgres.Migrate(t.Context(), postgres.WithRole(db.Superuser, "deployer"), discard); err != nil {
		t.Fatal(err)
	}
	if jobs := readJobs(t, db, "u"); len(jobs) != 0 {
		t.Error("a new table has jobs")
	}
}

func TestMigrateWithoutRightsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	db.Exec(t, "create role nobody_in_particular")
	_, err := postgres.Migrate(t.Context(), postgres.WithRole(db.Superuser, "nobody_in_particular"), discard)
	if err == nil || !strings.Contains(err.Error(), "CREATEROLE") {
		t.Errorf("unhelpful: %v", err)
	}
}
