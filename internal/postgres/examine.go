// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"reporting/internal/doctor"
)

// Examination looks at a database as a service with these settings would use it, and
// changes nothing in it.
type Examination struct {
	Area             string // what findings call it: database, or replica
	Setting          string // the variable that holds URL
	URL              string // as of CheckURL
	Replica          bool   // a standby is what is wanted
	Reports          bool   // reports are ordered there as well
	StatementTimeout time.Duration
	Now              func() time.Time

	config *pgxpool.Config
	conn   *pgx.Conn // as a service would have it, once there is one
}

// examineTimeout bounds each try to reach a host.
const examineTimeout = 3 * time.Second

// Connections is how many connections a service with this connection string has at most:
// those of the pool, and that of the readiness check.
func Connections(connString string) (int, error) {
	config, err := parse(connString)
	if err != nil {
		return 0, err
	}
	return int(config.MaxConns) + HealthConnections, nil
}

// Checks are all checks, in their order. The first ones make a connection, the last one
// ends it.
func (e *Examination) Checks() []doctor.Check {
	checks := []doctor.Check{{Area: e.Area, Run: e.hosts}, {Area: e.Area, Needs: e.Area, Run: e.login}}
	for _, part := range []struct {
		name string
		run  func(context.Context) ([]doctor.Finding, error)
	}{
		{"server", e.server}, {"schema", e.schema}, {"role", e.role}, {"reports", e.reports}, {"pooler", e.pooler},
	} {
		if part.name == "reports" && !e.Reports {
			continue
		}
		area := part.name
		if e.Replica {
			area = e.Area + " " + area
		}
		checks = append(checks, doctor.Check{Area: area, Needs: e.Area, Run: func(ctx context.Context) []doctor.Finding {
			if err := e.again(ctx); err != nil {
				return []doctor.Finding{doctor.Bad("see what became of the server", "the connection was lost, and another one is not to be had: %s", why(err))}
			}
			found, err := part.run(ctx)
			if err != nil {
				t := explainHealth(err)
				if t.Remedy == "" {
					t.Remedy = "see what it waits for or refuses (pg_stat_activity, its log)"
				}
				found = append(found, e.finding(t, why(err)))
			}
			return found
		}})
	}
	last := &checks[len(checks)-1]
	pooler := last.Run
	last.Run = func(ctx context.Context) []doctor.Finding {
		defer func() { _ = e.conn.Close(context.WithoutCancel(ctx)) }()
		return pooler(ctx)
	}
	return checks
}

// again makes another connection where the one there was did not survive a check: giving a
// question up costs it.
func (e *Examination) again(ctx context.Context) error {
	if !e.conn.IsClosed() {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, e.config.ConnConfig)
	if err != nil {
		return err
	}
	e.conn = conn
	return nil
}

// finding makes one of what readiness would say, with some more of what is behind it.
func (e *Examination) finding(err error, detail string) doctor.Finding {
	t, ok := errors.AsType[Diagnostic](err)
	if !ok {
		t.Problem = err.Error()
	}
	if detail != "" {
		t.Problem += ": " + detail
	}
	return doctor.Bad(strings.ReplaceAll(t.Remedy, "REPORTING_DATABASE_URL", e.Setting), "%s", t.Problem)
}

// hosts looks whether each server that the connection string names takes connections.
func (e *Examination) hosts(ctx context.Context) (found []doctor.Finding) {
	var err error
	if e.config, err = parse(e.URL); err != nil {
		return []doctor.Finding{doctor.Bad("correct "+e.Setting, "the connection string is %v", err)}
	}
	config := e.config.ConnConfig
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	type host struct{ network, address string }
	var hosts []host
	for _, f := range append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}, config.Fallbacks...) {
		network, address := pgconn.NetworkAddress(f.Host, f.Port)
		if h := (host{network, address}); !slices.Contains(hosts, h) { // with and without TLS are two
			hosts = append(hosts, h)
		}
	}
	reached := 0
	for _, h := range hosts {
		try, cancel := context.WithTimeout(ctx, examineTimeout)
		conn, err := (&net.Dialer{}).DialContext(try, h.network, h.address)
		cancel()
		if err != nil {
			found = append(found, doctor.Bad("start it, correct "+e.Setting+", or let connections through", "%s cannot be reached: %s", h.address, why(err)))
			continue
		}
		_ = conn.Close()
		reached++
		found = append(found, doctor.Good("%s takes connections", h.address))
	}
	for i := range found {
		if reached > 0 && found[i].Result == doctor.Wrong {
			found[i].Result = doctor.Warning // that is what the others are for
		}
	}
	return found
}

// login makes the connection on which everything else is looked at.
func (e *Examination) login(ctx context.Context) []doctor.Finding {
	config := e.config.ConnConfig
	begin := time.Now()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t := explainHealth(err)
		if t.Remedy == "" {
			t.Remedy = "check REPORTING_DATABASE_URL, sslmode and target_session_attrs in it as well"
		}
		return []doctor.Finding{e.finding(t, why(err))}
	}
	e.conn = conn
	took := time.Since(begin)
	found := []doctor.Finding{doctor.Good("the login %s is accepted (%v)", config.User, took.Round(time.Millisecond))}
	if took > config.ConnectTimeout/2 && config.ConnectTimeout > 0 {
		found = append(found, doctor.Doubt("see why that is slow, or set connect_timeout in "+e.Setting,
			"connecting took %v, and may take %v", took.Round(time.Millisecond), config.ConnectTimeout))
	}
	return append(found, e.encryption(conn.PgConn().Conn()))
}

func (e *Examination) encryption(conn net.Conn) doctor.Finding {
	const verify = "set sslmode=verify-full, and sslrootcert where the authority is your own, in "
	if encrypted, ok := conn.(*tls.Conn); ok {
		version := tls.VersionName(encrypted.ConnectionState().Version)
		// What the first try was told; sslmode=allow comes to TLS in its second one.
		settings := e.config.ConnConfig.TLSConfig
		if settings == nil || settings.InsecureSkipVerify && settings.VerifyPeerCertificate == nil && settings.VerifyConnection == nil {
			return doctor.Doubt(verify+e.Setting, "the connection is encrypted (%s), but whose server it leads to is not checked", version)
		}
		return doctor.Good("the connection is encrypted (%s), and the server's certificate is checked", version)
	}
	switch peer := conn.RemoteAddr().(type) {
	case *net.UnixAddr:
		return doctor.Good("the connection is a socket of this machine")
	case *net.TCPAddr:
		if peer.IP.IsLoopback() {
			return doctor.Good("the connection stays on this machine, without TLS")
		}
	}
	return doctor.Doubt(verify+e.Setting, "the connection is not encrypted: whoever is on the way reads and changes what is answered")
}

// pooler also looks for one that the others would have to be read differently for.
func (e *Examination) pooler(ctx context.Context) ([]doctor.Finding, error) {
	pooling, err := askPooling(ctx, e.conn)
	var finding doctor.Finding
	switch {
	case err != nil && e.conn.IsClosed():
		return nil, err // it is not about a second one
	case pooling == Direct:
		finding = doctor.Good("no pooler stands between")
	case pooling == SessionPooling:
		finding = doctor.Good("a pooler stands between, and gives each connection a session of its own")
	case pooling == LossyPooling && preparingURL(e.URL):
		finding = e.finding(errLossyPooler, "")
	case pooling == LossyPooling:
		finding = doctor.Good("a pooler shares sessions (transaction mode) and would lose prepared statements; none are used")
	case pooling == TransactionPooling && err == nil:
		finding = doctor.Good("a pooler shares sessions (transaction mode), and prepared statements are found again")
	default:
		finding = doctor.Doubt("look again when there are connections to spare",
			"a pooler stands between, of which no more is known: a second connection was not to be had in time")
	}
	return []doctor.Finding{finding}, nil
}

// preparingURL tells whether a service with this connection string prepares statements.
func preparingURL(url string) bool {
	config, err := parse(url)
	return err == nil && preparing(config)
}

// question asks for one row.
func (e *Examination) question(ctx context.Context, sql string, args []any, into ...any) error {
	if err := e.conn.QueryRow(ctx, sql, args...).Scan(into...); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	return nil
}
