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

	"reporting/internal/worker/queue"
	"reporting/migrations"
)

// versionTable is the table in which goose records applied migrations. reporting_reader reads
// it.
const versionTable = "reporting_schema_version"

// A process that waits for another one's migration polls the lock of goose: every
// lockPollSeconds, at most lockPolls times.
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
		config.ConnConfig.ConnectTimeout = migrateConnectTimeout
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
		goose.WithGoMigrations(queueMigration(config)),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// explain adds the remedy to the usual errors of a first migration.
func explain(err error) error {
	err = fmt.Errorf("migrate: %w", err)
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if ok && pg.Code == "42501" { // insufficient_privilege
		return fmt.Errorf("%w\nThe migrating role lacks a right. Use a role that owns the database and may create roles (CREATEROLE). "+
			"Or let an administrator create the roles reporting_owner, reporting_reader, reporting_producer, reporting_requester "+
			"and reporting_worker, grant reporting_owner to the migrating role, create the schema reporting_river with the owner "+
			"reporting_owner, and grant usage and create on the schema of the tables to reporting_owner and to the migrating role", err)
	}
	if ok && pg.Code == "55P03" { // lock_not_available
		return fmt.Errorf("%w\nA long transaction uses the tables. This migration was rolled back: try again when it has ended", err)
	}
	return err
}

// requiredVersion returns the version of the newest migration in this program.
func requiredVersion() (int64, error) {
	entries, err := migrations.FS.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	newest := int64(queueMigrationVersion)
	for _, e := range entries {
		version, err := goose.NumericComponent(e.Name())
		if err != nil {
			return 0, fmt.Errorf("read migration's number: %w", err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// queueMigrationVersion is the version of the migration that creates River's tables. It is
// the only migration that is no file, because River brings its own.
const queueMigrationVersion = 7

func queueMigration(config *pgxpool.Config) *goose.Migration {
	return goose.NewGoMigration(queueMigrationVersion, &goose.GoFunc{
		RunDB: func(ctx context.Context, _ *sql.DB) error {
			config := config.Copy()
			config.MaxConns = 1
			pool, err := pgxpool.NewWithConfig(ctx, config)
			if err != nil {
				return fmt.Errorf("migrate queue: %w", err)
			}
			defer pool.Close()
			return queue.Migrate(ctx, pool)
		},
	}, nil)
}
