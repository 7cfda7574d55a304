// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"reporting/migrations"
)

// versionTable is where goose notes what was applied; reporting_reader may read it.
const versionTable = "reporting_schema_version"

// How often, and how many times, a starter looks whether the one that migrates
// has finished. goose's lock is polled, in whole seconds.
const (
	lockPollSeconds = 1
	lockPolls       = 300
)

const migrateConnectTimeout = 10 * time.Second

// Migrate brings the schema to the version this program was built with and
// returns that version. Any number of processes may call it at once: one
// applies the migrations, the others wait and find nothing left to do.
func Migrate(ctx context.Context, url string, log *slog.Logger) (version int64, err error) {
	config, err := parse(url)
	if err != nil {
		return 0, err
	}
	if unset(url, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = migrateConnectTimeout // nobody waits for an answer
	}
	if err := refuseSharedSessions(ctx, config.ConnConfig); err != nil {
		return 0, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()

	provider, err := newProvider(db, config)
	if err != nil {
		return 0, err
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		log.InfoContext(ctx, "migration applied", "version", r.Source.Version, "file", r.Source.Path,
			"duration", r.Duration.Round(time.Millisecond).String())
	}
	if err != nil {
		return 0, explain(err)
	}
	version, err = provider.GetDBVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

func newProvider(db *sql.DB, config *pgxpool.Config) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPollSeconds, lockPolls))
	if err != nil {
		return nil, fmt.Errorf("make migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS,
		goose.WithSessionLocker(locker),
		goose.WithTableName(versionTable),
		goose.WithGoMigrations(queueMigrations(config)...),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// explain adds to the errors that a first migration may meet what to do about
// them.
func explain(err error) error {
	err = fmt.Errorf("migrate: %w", err)
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if ok && pg.Code == "42501" { // insufficient_privilege
		return fmt.Errorf("%w\nThe migrating role lacks a right. It takes either one that owns the database and may create roles "+
			"(CREATEROLE), where the roles reporting_owner, reporting_reader, reporting_producer, reporting_requester and reporting_worker do not exist yet; or an administrator "+
			"who creates these five, grants reporting_owner to the migrating role, and grants usage and create on the schema "+
			"to reporting_owner and to the migrating role", err)
	}
	if ok && pg.Code == "55P03" { // lock_not_available
		return fmt.Errorf("%w\nSomebody reads or writes the tables for long. This step was undone: try again, at a quiet time", err)
	}
	return err
}

// requiredVersion is the newest migration this program was built with.
func requiredVersion() (int64, error) {
	entries, err := migrations.FS.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	newest := int64(queueMigration)
	for _, e := range entries {
		version, err := goose.NumericComponent(e.Name())
		if err != nil {
			return 0, fmt.Errorf("read migration's number: %w", err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
