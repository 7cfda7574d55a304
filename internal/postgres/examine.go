// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"reporting/internal/doctor"
)

// Examination checks a database for a service with these settings. It changes nothing in it.
type Examination struct {
	Area    string // of the findings: database or replica
	Setting string // the variable that holds URL
	URL     string // valid as of CheckURL
	Replica bool   // a standby is expected
	Orders  bool   // the service takes orders for reports
	Now     func() time.Time

	config *pgxpool.Config
}

// Checks returns all checks in order. Each opens a connection of its own.
func (e *Examination) Checks() []doctor.Check {
	config, err := parse(e.URL)
	if err != nil {
		return []doctor.Check{{Area: e.Area, Run: func(context.Context) []doctor.Finding {
			return []doctor.Finding{doctor.Fail("correct "+e.Setting, "the connection string is %v", err)}
		}}}
	}
	e.config = config
	prefix := ""
	if e.Replica {
		prefix = e.Area + " "
	}
	checks := []doctor.Check{
		e.check(e.Area, "", e.login), e.check(prefix+"server", e.Area, e.server),
		e.check(prefix+"schema", e.Area, e.schema), e.check(prefix+"role", prefix+"schema", e.role),
	}
	if e.Orders {
		checks = append(checks, e.check("orders", "schema", e.orders))
	}
	return append(checks, e.check(prefix+"pooler", e.Area, e.pooler))
}

func (e *Examination) check(area, needs string, run func(context.Context, *pgx.Conn) ([]doctor.Finding, error)) doctor.Check {
	return doctor.Check{Area: area, Needs: needs, Run: func(ctx context.Context) (findings []doctor.Finding) {
		config := e.config.ConnConfig.Copy()
		config.DefaultQueryExecMode = pgx.QueryExecModeExec // works behind every pooler
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			findings, err = run(ctx, conn)
		}
		if err != nil {
			findings = append(findings, e.fail(err))
		}
		return findings
	}}
}

func (e *Examination) fail(err error) doctor.Finding {
	d, ok := errors.AsType[Diagnostic](err)
	if !ok {
		d = diagnose(err)
		d.Problem += ": " + detail(err)
	}
	if d.Remedy == "" {
		d.Remedy = "check that the server runs, that this machine reaches it, and REPORTING_DATABASE_URL, with its sslmode and target_session_attrs"
	}
	return doctor.Fail(strings.ReplaceAll(d.Remedy, "REPORTING_DATABASE_URL", e.Setting), "%s", d.Problem)
}

func (e *Examination) login(_ context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	return []doctor.Finding{
		doctor.Pass("PostgreSQL %s accepts the login %s", conn.PgConn().ParameterStatus("server_version"), e.config.ConnConfig.User),
		e.encryption(conn.PgConn().Conn()),
	}, nil
}

func (e *Examination) encryption(conn net.Conn) doctor.Finding {
	verify := "set sslmode=verify-full, and sslrootcert for an authority of your own, in " + e.Setting
	if encrypted, ok := conn.(*tls.Conn); ok {
		version := tls.VersionName(encrypted.ConnectionState().Version)
		// The settings of the first attempt: sslmode=allow tries TLS in the second one only.
		settings := e.config.ConnConfig.TLSConfig
		if settings == nil || settings.InsecureSkipVerify && settings.VerifyPeerCertificate == nil && settings.VerifyConnection == nil {
			return doctor.Warn(verify, "the connection is encrypted (%s), but the server's certificate is not verified", version)
		}
		return doctor.Pass("the connection is encrypted (%s), and the server's certificate is verified", version)
	}
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !peer.IP.IsLoopback() {
		return doctor.Warn(verify, "the connection is not encrypted: anyone on its way can read and change jobs")
	}
	return doctor.Pass("the connection stays on this machine")
}

// serverFacts is what one query tells about a server.
type serverFacts struct {
	clock, before, after time.Time // the server's clock, and the local one around it
	standby              bool
	connections          int // limit for the login
	session              uint32
}

func readServer(ctx context.Context, conn *pgx.Conn, now func() time.Time) (f serverFacts, err error) {
	f.before = now()
	err = conn.QueryRow(ctx, `
		select clock_timestamp(), pg_is_in_recovery(), pg_backend_pid(),
		       least(nullif(r.rolconnlimit, -1), current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)
		  from pg_roles r where r.rolname = session_user`).Scan(&f.clock, &f.standby, &f.session, &f.connections)
	f.after = now()
	if err != nil {
		return f, fmt.Errorf("read server settings: %w", err)
	}
	return f, nil
}

func (f serverFacts) room(needs int, remedy string) doctor.Finding {
	if needs > f.connections {
		return doctor.Fail(remedy, "an instance opens up to %d connections, and its login may open %d", needs, f.connections)
	}
	return doctor.Pass("an instance opens up to %d connections, and its login may open %d", needs, f.connections)
}

func (e *Examination) server(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	facts, err := readServer(ctx, conn, e.Now)
	if err != nil {
		return nil, err
	}
	findings := []doctor.Finding{
		doctor.Clock("the "+e.Area, facts.clock, facts.before, facts.after),
		facts.room(int(e.config.MaxConns)+HealthConnections, "raise the limit of the server or the role, or set pool_max_conns in "+e.Setting),
	}
	standby, err := e.standby(ctx, conn, facts.standby)
	return append(findings, standby), err
}

func (e *Examination) standby(ctx context.Context, conn *pgx.Conn, standby bool) (doctor.Finding, error) {
	switch {
	case !e.Replica && standby:
		return doctor.Warn("name the primary, and this server in REPORTING_DATABASE_REPLICA_URL",
			"the server is a standby: its jobs may be old, and it cannot be migrated"), nil
	case !e.Replica:
		return doctor.Pass("the server is a primary"), nil
	case !standby:
		return doctor.Warn("name a standby of the database, or leave "+e.Setting+" empty", "the replica is not a standby, so its lag is unknown"), nil
	}
	lag, receives, err := readLag(ctx, conn)
	switch {
	case err != nil:
		return doctor.Finding{}, err
	case !receives:
		return doctor.Warn("see why replication does not run", "the standby is not connected to its primary, so jobs are read from the primary"), nil
	case lag > maxLag:
		return doctor.Warn("see why replication is slow", "the lag of the standby is %v, so jobs are read from the primary", lag.Round(time.Second)), nil
	}
	return doctor.Pass("the server is a standby, and its lag is small"), nil
}

func (*Examination) schema(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	required, err := requiredVersion()
	if err != nil {
		return nil, err
	}
	h, err := readHealth(ctx, conn)
	if err != nil {
		return nil, err
	}
	if h.version > required {
		return []doctor.Finding{doctor.Warn("run the program that migrated the schema, unless an upgrade is in progress",
			"the schema has version %d, and this program knows version %d", h.version, required)}, nil
	}
	if h.version < required {
		return nil, h.fault(required)
	}
	return []doctor.Finding{doctor.Pass("the schema has version %d, as required", required)}, nil
}

// role checks that row-level security applies. It also runs the query of a faulty program,
// which selects the jobs of all users, without a user.
func (e *Examination) role(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	h, err := readHealth(ctx, conn)
	if err != nil {
		return nil, err
	}
	var role, reason string
	err = conn.QueryRow(ctx, `
		select rolname, case when rolsuper then 'is a superuser' when rolbypassrls then 'has BYPASSRLS'
		       when pg_has_role(oid, 'reporting_owner', 'usage') then 'is a member of reporting_owner'
		       when not pg_has_role(oid, 'reporting_reader', 'usage') then 'is not a member of reporting_reader'
		       else 'owns the table' end
		  from pg_roles where rolname = current_user`).Scan(&role, &reason)
	if err != nil {
		return nil, fmt.Errorf("read role: %w", err)
	}
	fault := h.fault(0)
	if errors.Is(fault, errRowSecurityBypassed) {
		fault = Diagnostic{errRowSecurityBypassed.Problem + ": " + role + " " + reason, errRowSecurityBypassed.Remedy}
	}
	if fault != nil {
		return nil, fault
	}
	// An index keeps the query from reading the whole table.
	var leaks bool
	batch := &pgx.Batch{}
	batch.Queue("set local enable_seqscan = off")
	batch.Queue("select exists (select from report_job)").QueryRow(func(row pgx.Row) error { return row.Scan(&leaks) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read jobs without a user: %w", err)
	}
	if leaks {
		return []doctor.Finding{doctor.Fail("see the policies of report_job (\\d report_job in psql), and the settings of the role (reporting.user_id)",
			"a query without a user reads jobs: row-level security does not hold")}, nil
	}
	return []doctor.Finding{doctor.Pass("row-level security applies to %s", role)}, nil
}

func (e *Examination) pooler(ctx context.Context, conn *pgx.Conn) ([]doctor.Finding, error) {
	facts, err := readServer(ctx, conn, e.Now)
	switch {
	case err != nil:
		return nil, err
	case !behindPooler(conn, facts.session):
		return []doctor.Finding{doctor.Pass("no pooler is between the service and the server")}, nil
	case !preparing(e.config):
		return []doctor.Finding{doctor.Pass("a pooler is between the service and the server, and no statements are prepared")}, nil
	}
	if err := checkStatements(ctx, conn); err != nil {
		return nil, err
	}
	return []doctor.Finding{doctor.Pass("a pooler is between the service and the server, and keeps prepared statements")}, nil
}
