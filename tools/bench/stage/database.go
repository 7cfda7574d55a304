// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"reporting/internal/devpg"
	"reporting/internal/postgres"
)

// FirstUser is the id of the first user; the others follow. Ids are numbers, because pgbench can
// generate nothing else.
const FirstUser = 1_000_001

// UserID returns the id of user n, from 0.
func UserID(n int) string { return strconv.Itoa(FirstUser + n) }

// Database is a private Postgres with the schema.
type Database struct {
	server     *devpg.Server
	conn       *pgx.Conn
	Socket     string // folder of its unix socket
	Bin        string // folder of its programs
	Postmaster int    // process id
	Version    string
}

// StartDatabase starts a server with shared_buffers of a size.
func StartDatabase(ctx context.Context, bufferMB int) (started *Database, err error) {
	d := &Database{}
	d.server, err = devpg.Start(ctx, devpg.Options{Settings: map[string]string{
		"shared_buffers": strconv.Itoa(bufferMB) + "MB",
		// A checkpoint during a load would disturb it; Load runs one afterwards.
		"max_wal_size": "4GB",
		// Autovacuum would disturb the measurement; Load does its work.
		"autovacuum": "off",
	}})
	if err != nil {
		return nil, fmt.Errorf("start a private Postgres: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	if _, err := postgres.Migrate(ctx, d.superuser(), slog.New(slog.DiscardHandler)); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	parsed, err := url.Parse(d.superuser())
	if err != nil {
		return nil, fmt.Errorf("read its address: %w", err)
	}
	d.Socket = parsed.Query().Get("host")
	if d.conn, err = pgx.Connect(ctx, d.superuser()); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	err = d.conn.QueryRow(ctx, `
		select (select setting from pg_config where name = 'BINDIR'), current_setting('server_version'),
		       split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`).Scan(&d.Bin, &d.Version, &d.Postmaster)
	if err != nil {
		return nil, fmt.Errorf("ask about it: %w", err)
	}
	return d, nil
}

func (d *Database) superuser() string { return d.server.URL("postgres", "postgres") }

// Reader returns the connection string of the service.
func (d *Database) Reader() string { return postgres.WithRole(d.superuser(), postgres.ReaderRole) }

// Stop stops the server and removes its files.
func (d *Database) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if d.conn != nil {
		_ = d.conn.Close(ctx)
	}
	return d.server.Stop(ctx)
}
