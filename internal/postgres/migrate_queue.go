// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// queueMigration is the number of the migration that makes the tables of the job queue.
// It is the one that is no file: River brings its own schema (a later version of that
// is a further migration of this kind).
const (
	queueMigration = 6
	queueSchema    = 8 // of River's
)

// What the roles may do there. Entries hold ids of jobs, and nothing that is secret. Whoever asks for a
// report adds an entry; whoever makes reports does the rest.
const queueGrants = `
set local lock_timeout = '3s';
do $owner$
declare
    name text;
begin
    for name in select c.relname from pg_catalog.pg_class c
                 where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relname like 'river\_%' loop
        execute format('alter table %I owner to reporting_owner', name);
        execute format('grant select, insert, update, delete on %I to reporting_worker', name);
    end loop;
    for name in select c.relname from pg_catalog.pg_class c
                 where c.relnamespace = current_schema()::regnamespace and c.relkind = 'S' and c.relname like 'river\_%' loop
        execute format('grant usage on sequence %I to reporting_requester, reporting_worker', name);
    end loop;
end
$owner$;
-- Adding one is written as an update where there is one already, which there never is.
grant select, insert, update (kind) on river_job to reporting_requester;`

func queueMigrations(config *pgxpool.Config) []*goose.Migration {
	return []*goose.Migration{goose.NewGoMigration(queueMigration, &goose.GoFunc{
		RunDB: func(ctx context.Context, _ *sql.DB) error { return migrateQueue(ctx, config) },
	}, nil)}
}

// migrateQueue makes the queue's tables, step by step: some of River's take a transaction
// of their own. Interrupted, it goes on where it was.
func migrateQueue(ctx context.Context, config *pgxpool.Config) error {
	config = config.Copy()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: queueSchema}); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	_, err = pool.Exec(ctx, queueGrants)
	return err
}
