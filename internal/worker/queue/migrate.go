// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverVersion is the version of River's schema. A newer one takes a further migration.
const riverVersion = 8

// grants gives the tables of Schema to the roles. Entries hold ids of jobs and no secrets. A
// requester inserts entries; a worker does the rest. River inserts with "on conflict do
// update", which takes a right to update.
const grants = `
do $grants$
declare
    relation record;
begin
    for relation in select c.relname, c.relkind from pg_catalog.pg_class c
                     where c.relnamespace = '` + Schema + `'::regnamespace and c.relkind in ('r', 'p', 'S') loop
        if relation.relkind = 'S' then
            execute format('grant usage on sequence ` + Schema + `.%I to reporting_requester, reporting_worker', relation.relname);
        else
            execute format('alter table ` + Schema + `.%I owner to reporting_owner', relation.relname);
            execute format('grant select, insert, update, delete on ` + Schema + `.%I to reporting_worker', relation.relname);
        end if;
    end loop;
end
$grants$;
grant select, insert, update (kind) on ` + Schema + `.river_job to reporting_requester;`

// Migrate creates River's tables in Schema, which exists. Some steps of River need a
// transaction of their own, so an interrupted migration continues where it stopped.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: Schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion}); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	if _, err := pool.Exec(ctx, grants); err != nil {
		return fmt.Errorf("grant rights on queue: %w", err)
	}
	return nil
}
