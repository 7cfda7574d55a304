// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// silencer is a proxy in front of a database. While it is silent, it accepts connections and
// sends nothing.
type silencer struct {
	url    string
	silent atomic.Bool
	asked  atomic.Int64 // number of connections so far
}

func newSilencer(t *testing.T, database string) *silencer {
	t.Helper()
	behind, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &silencer{url: fmt.Sprintf("postgres://postgres@%s%s?sslmode=disable&role=%s", listener.Addr(), behind.Path, postgres.ReaderRole)}
	s.silent.Store(true)
	socket := filepath.Join(behind.Query().Get("host"), ".s.PGSQL."+behind.Query().Get("port"))
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			t.Cleanup(func() { _ = client.Close() })
			s.asked.Add(1)
			if s.silent.Load() {
				continue
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	return s
}

// withoutChecks returns a store that does not check its replica, and so prefers the primary.
func withoutChecks(t *testing.T, primary, replica string) *postgres.Replicated {
	t.Helper()
	health, err := postgres.NewHealth(t.Context(), replica, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = health.Close(context.Background()) })
	return postgres.NewReplicated(postgres.NewJobStore(openPool(t, primary, 2), time.Second),
		postgres.NewJobStore(openPool(t, replica, 2), time.Second), health, discard)
}

// Otherwise each read would wait for a primary that does not answer.
func TestPrimaryThatIsAwayIsTriedRarely(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for a retry")
	}
	db := pgtest.New(t)
	primary := newSilencer(t, db.Superuser)
	r := withoutChecks(t, primary.url, db.Reader)
	r.SetInterval(200 * time.Millisecond)
	read := func() error { return r.EachJob(t.Context(), newest("u"), func(*report.Job) error { return nil }) }
	if err := read(); err != nil {
		t.Fatalf("the replica is not used: %v", err)
	}
	before := primary.asked.Load()
	if before == 0 {
		t.Error("the primary was not tried first")
	}
	const calls = 20
	for range calls {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	if asked := primary.asked.Load() - before; asked > calls/2 {
		t.Errorf("%d of %d reads tried a primary that is away", asked, calls)
	}
	if got := r.Stats(); got.ReplicaReads != calls+1 {
		t.Errorf("%+v", got)
	}
	primary.silent.Store(false)
	eventually(t, "the primary is used when it is back", func() bool { return read() == nil && r.Stats().PrimaryReads > 1 })
}

// A probe waits for about a second, which is as long as the check of a silent primary takes.
func TestReadyWhilePrimaryIsSilent(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	r := withoutChecks(t, db.Reader, db.Reader)
	silence := make(chan struct{})
	defer close(silence)
	answered := make(chan error, 1)
	go func() {
		answered <- r.Check(t.Context(), func(context.Context) error { <-silence; return errors.New("too late") })
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("not ready with a working replica: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the check waits for the primary")
	}
}
