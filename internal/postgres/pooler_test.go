// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"crypto/tls"
	"fmt"
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
)

// pooler is the least that a pooler can be: it hands out sessions of one database, and
// passes on what clients say as it is. The tests with the build tag pgbouncer try real ones.
type pooler struct {
	sessions int         // that are shared, in turn; 0: each client has its own
	keepPIDs bool        // tell clients the truth of whom they talk to
	tracks   bool        // give statements names that tell clients apart; for one session
	tls      *tls.Config // for clients that want it

	listener net.Listener
	url      string // of the database
	mu       sync.Mutex
	pool     []*pgconn.HijackedConn
	next     int
	clients  atomic.Int32 // that came
}

// startPooler returns a pooler in front of db, and the connection string through it.
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

// transaction passes on what a client says until it waits, and what it is told.
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
			return server.Flush() == nil && answer(client, server)
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

// rename gives a statement the name that the session knows it by.
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

func answer(client *pgproto3.Backend, server *pgproto3.Frontend) bool {
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

// Whoever has sessions of their own is not accused, whatever the pooler says of itself.
func TestHealthBehindPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, tt := range map[string]struct {
		pooler  *pooler
		options string
		want    string
	}{
		"one session for all":         {&pooler{sessions: 1}, "", lossy},
		"several, in turn":            {&pooler{sessions: 2}, "", lossy},
		"three, in turn":              {&pooler{sessions: 3}, "", lossy},
		"many, in turn":               {&pooler{sessions: 7}, "", lossy},
		"one session, and tracked":    {&pooler{sessions: 1, tracks: true}, "", ""},
		"nothing is prepared":         {&pooler{sessions: 3}, "&default_query_exec_mode=exec", ""},
		"prepared for one call":       {&pooler{sessions: 3}, "&default_query_exec_mode=cache_describe", ""},
		"a session each":              {&pooler{}, "", ""},
		"a session each, and its PID": {&pooler{keepPIDs: true}, "", ""},
	} {
		url := startPooler(t, db.Reader, tt.pooler)
		err := checkHealth(t, url+tt.options)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if tt.options != "" && tt.pooler.clients.Load() != 1 {
			t.Errorf("%s: it was looked for a fault that nobody meets", name)
		}
	}
}

// A pooler is looked for when a connection is new, and not each second. One that is
// mended is noticed soon.
func TestPoolerIsLookedForRarely(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	now := time.Now()
	check := func(p *pooler) func(after time.Duration) (told bool, clients int32) {
		health, err := postgres.NewHealth(t.Context(), startPooler(t, db.Reader, p), func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = health.Close(context.Background()) })
		return func(after time.Duration) (bool, int32) {
			now = now.Add(after)
			err := health.Check(t.Context())
			if err != nil && !strings.Contains(err.Error(), lossy) {
				t.Errorf("check: %v", err)
			}
			return err != nil, p.clients.Load()
		}
	}
	for i, row := range []struct {
		check   func(time.Duration) (bool, int32)
		after   []time.Duration
		told    bool
		clients int32 // one is for good, and one more for each look
	}{
		{check(&pooler{}), []time.Duration{0, time.Second, time.Minute, time.Hour}, false, 2},
		{check(&pooler{sessions: 1}), []time.Duration{0, time.Second, time.Second}, true, 2},
		{check(&pooler{sessions: 1}), []time.Duration{0, time.Second, 10 * time.Second}, true, 3},
	} {
		var seen string
		for _, after := range row.after {
			told, clients := row.check(after)
			seen = fmt.Sprint(told, clients)
		}
		if want := fmt.Sprint(row.told, row.clients); seen != want {
			t.Errorf("row %d: %s, want %s", i, seen, want)
		}
	}
}

// The lock of a migration belongs to a session.
func TestMigrateThroughPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	for _, p := range []*pooler{{sessions: 3}, {sessions: 1, tracks: true}} {
		_, err := postgres.Migrate(t.Context(), startPooler(t, db.Superuser, p), discard)
		if err == nil || !strings.Contains(err.Error(), "connect to the database itself") {
			t.Errorf("through shared sessions: %v", err)
		}
	}
	if err := checkHealth(t, db.Superuser); err == nil {
		t.Error("something was migrated")
	}
	if version, err := postgres.Migrate(t.Context(), startPooler(t, db.Superuser, &pooler{}), discard); err != nil || version == 0 {
		t.Errorf("through sessions of our own: %v", err)
	}
}
