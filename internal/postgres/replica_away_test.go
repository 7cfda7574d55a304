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

// silencer stands before a database, as its network does. While it is silent, connections
// are accepted and nobody answers.
type silencer struct {
	url    string
	silent atomic.Bool
	asked  atomic.Int64 // connections so far
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

// withoutLook is a store whose replica is never the first choice by itself.
func withoutLook(t *testing.T, primary, replica string) *postgres.Replicated {
	t.Helper()
	health, err := postgres.NewHealth(t.Context(), replica, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = health.Close(context.Background()) })
	return postgres.NewReplicated(postgres.NewJobStore(openPool(t, primary, 2), time.Second),
		postgres.NewJobStore(openPool(t, replica, 2), time.Second), health, discard)
}

// Each caller would wait for it, as long as it is silent.
func TestAPrimaryThatIsAwayIsAskedSeldom(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	primary := newSilencer(t, db.Superuser)
	r := withoutLook(t, primary.url, db.Reader)
	read := func() error { return r.EachJob(t.Context(), newest("u"), func(*report.Job) error { return nil }) }
	if err := read(); err != nil {
		t.Fatalf("the replica does not stand in: %v", err)
	}
	before := primary.asked.Load()
	if before == 0 {
		t.Error("the primary was not asked first")
	}
	const calls = 20
	for range calls {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	if asked := primary.asked.Load() - before; asked > calls/2 {
		t.Errorf("a primary that is away was asked by %d of %d", asked, calls)
	}
	if got := r.Stats(); got.ReplicaReads != calls+1 {
		t.Errorf("%+v", got)
	}
	primary.silent.Store(false)
	eventually(t, "the primary is asked again when it is back", func() bool { return read() == nil && r.Stats().PrimaryReads > 1 })
}

// Who probes an instance waits for a second or so. As long is a silent primary waited for.
func TestReadyWhileTheOtherOneIsSilent(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	r := withoutLook(t, db.Reader, db.Reader)
	silence := make(chan struct{})
	defer close(silence)
	answered := make(chan error, 1)
	go func() {
		answered <- r.Check(t.Context(), func(context.Context) error { <-silence; return errors.New("too late") })
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("not ready with a replica that is well: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a replica that is well waits for the primary")
	}
}
