// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// pooler is a minimal pooler: it forwards the messages of clients to sessions of a database.
// The tests with the build tag pgbouncer use PgBouncer.
type pooler struct {
	sessions int         // shared by all clients, in turn; 0: each client has its own
	keepPIDs bool        // clients get the PIDs of their sessions
	tracks   bool        // statements get names of their own for each client; with one session
	tls      *tls.Config // for clients that request it

	listener net.Listener
	url      string // of the database
	mu       sync.Mutex
	pool     []*pgconn.HijackedConn
	next     int
	clients  atomic.Int32 // connections so far
}

// startPooler starts a pooler in front of db, and returns the connection string through it.
func startPooler(t *testing.T, db string, p *pooler) string {
	t.Helper()
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.url = db
	for range p.sessions {
		p.pool = append(p.pool, p.session(t))
	}
	t.Cleanup(func() { _ = p.listener.Close() })
	go func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(t, client)
		}
	}()
	return "postgres://any@" + p.listener.Addr().String() + "/any?sslmode=disable"
}

func (p *pooler) session(t *testing.T) *pgconn.HijackedConn {
	t.Helper()
	conn, err := pgconn.Connect(context.Background(), p.url)
	if err != nil {
		t.Error(err)
		return nil
	}
	session, err := conn.Hijack()
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { _ = session.Conn.Close() })
	return session
}

func (p *pooler) serve(t *testing.T, client net.Conn) {
	t.Helper()
	defer func() { _ = client.Close() }()
	own := p.pool
	if p.sessions == 0 {
		own = []*pgconn.HijackedConn{p.session(t)}
		defer func() { _ = own[0].Conn.Close() }() // with what was prepared in it
	}
	backend := pgproto3.NewBackend(client, client)
	first, err := backend.ReceiveStartupMessage()
	if _, encrypted := first.(*pgproto3.SSLRequest); encrypted && p.tls != nil && err == nil {
		_, _ = client.Write([]byte("S"))
		client = tls.Server(client, p.tls)
		backend = pgproto3.NewBackend(client, client)
		_, err = backend.ReceiveStartupMessage()
	}
	if err != nil {
		return
	}
	pid := uint32(1<<31) + uint32(p.clients.Add(1)) // more than any process has
	if p.keepPIDs {
		pid = own[0].PID
	}
	for _, message := range []pgproto3.BackendMessage{
		&pgproto3.AuthenticationOk{}, &pgproto3.BackendKeyData{ProcessID: pid, SecretKey: []byte("key ")}, &pgproto3.ReadyForQuery{TxStatus: 'I'},
	} {
		backend.Send(message)
	}
	for backend.Flush() == nil {
		if !p.transaction(backend, own, fmt.Sprintf("client_%d_", pid)) {
			return
		}
	}
}

// transaction forwards the messages of a client up to a Sync, and the responses to them.
func (p *pooler) transaction(client *pgproto3.Backend, sessions []*pgconn.HijackedConn, names string) bool {
	message, err := client.Receive()
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	server := sessions[p.next%len(sessions)].Frontend
	p.next++
	for {
		switch message.(type) {
		case *pgproto3.Terminate:
			return false
		case *pgproto3.Sync, *pgproto3.Query:
			server.Send(message)
			return server.Flush() == nil && respond(client, server)
		}
		if p.tracks {
			rename(message, names)
		}
		server.Send(message)
		if message, err = client.Receive(); err != nil {
			return false
		}
	}
}

// rename adds a prefix to the name of a statement.
func rename(message pgproto3.FrontendMessage, prefix string) {
	name := new(string)
	switch m := message.(type) {
	case *pgproto3.Parse:
		name = &m.Name
	case *pgproto3.Bind:
		name = &m.PreparedStatement
	case *pgproto3.Describe:
		if m.ObjectType == 'S' {
			name = &m.Name
		}
	case *pgproto3.Close:
		if m.ObjectType == 'S' {
			name = &m.Name
		}
	}
	if *name != "" {
		*name = prefix + *name
	}
}

func respond(client *pgproto3.Backend, server *pgproto3.Frontend) bool {
	for {
		message, err := server.Receive()
		if err != nil {
			return false
		}
		client.Send(message)
		if _, ready := message.(*pgproto3.ReadyForQuery); ready {
			return true
		}
		if client.Flush() != nil { // the next message takes the memory of this one
			return false
		}
	}
}

const lossy = "loses prepared statements: add default_query_exec_mode=exec"

func TestHealthReportsLostStatements(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, tt := range map[string]struct {
		pooler  *pooler
		options string
		want    string
	}{
		"one shared session":            {&pooler{sessions: 1}, "", lossy},
		"two shared sessions":           {&pooler{sessions: 2}, "", lossy},
		"three shared sessions":         {&pooler{sessions: 3}, "", lossy},
		"seven shared sessions":         {&pooler{sessions: 7}, "", lossy},
		"one shared session, tracked":   {&pooler{sessions: 1, tracks: true}, "", ""},
		"exec mode":                     {&pooler{sessions: 3}, "&default_query_exec_mode=exec", ""},
		"cache_describe mode":           {&pooler{sessions: 3}, "&default_query_exec_mode=cache_describe", ""},
		"own sessions":                  {&pooler{}, "", ""},
		"own sessions, with their PIDs": {&pooler{keepPIDs: true}, "", ""},
	} {
		err := checkHealth(t, startPooler(t, db.Reader, tt.pooler)+tt.options)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if n := tt.pooler.clients.Load(); (tt.options != "" || tt.pooler.keepPIDs) && n != 1 {
			t.Errorf("%s: the check opened %d connections", name, n)
		}
	}
}

// The second connection of the check is for new connections only.
func TestHealthOpensASecondConnectionOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := &pooler{}
	health, err := postgres.NewHealth(t.Context(), startPooler(t, pgtest.New(t).Reader, p), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = health.Close(context.Background()) })
	for range 4 {
		if err := health.Check(t.Context()); err != nil {
			t.Error(err)
		}
		now = now.Add(time.Minute)
	}
	if n := p.clients.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// A pooler that loses statements is in the error of each read that fails, and in the log once.
func TestReadsReportLostStatements(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	pool := openPool(t, startPooler(t, pgtest.New(t).Reader, &pooler{sessions: 3}), 1)
	jobs := postgres.NewJobStore(pool, 5*time.Second)
	jobs.Instrument(nil, slog.New(slog.NewTextHandler(&log, nil)))
	failures := 0
	for range 20 {
		if err := jobs.EachJob(t.Context(), report.Filter{UserID: "u"}, ignore); err != nil {
			failures++
			wantKind(t, err, report.Internal)
			if !strings.Contains(err.Error(), lossy) {
				t.Errorf("the error does not say what to do: %v", err)
			}
		}
	}
	if n := strings.Count(log.String(), lossy); failures == 0 || n != 1 {
		t.Errorf("%d failures, %d log lines: %s", failures, n, &log)
	}
}

// The lock of a migration belongs to a session.
func TestMigrateRefusesSharedSessions(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	for _, p := range []*pooler{{sessions: 3}, {sessions: 1, tracks: true}} {
		_, err := postgres.Migrate(t.Context(), startPooler(t, db.Superuser, p), discard)
		if err == nil || !strings.Contains(err.Error(), "connect to the database itself") {
			t.Errorf("through shared sessions: %v", err)
		}
	}
	if err := checkHealth(t, db.Superuser); err == nil {
		t.Error("the database was migrated")
	}
	if version, err := postgres.Migrate(t.Context(), startPooler(t, db.Superuser, &pooler{}), discard); err != nil || version == 0 {
		t.Errorf("through own sessions: %v", err)
	}
}
