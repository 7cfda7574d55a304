// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/devpg"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// pair is a primary and a standby of it.
type pair struct {
	dir              string
	primary, standby *devpg.Server
}

func startPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{dir: pgtest.Dir(t)}
	p.startPrimary(t)
	if _, err := postgres.Migrate(t.Context(), p.primary.URL("postgres", "postgres"), discard); err != nil {
		t.Fatal(err)
	}
	// A copy of a stopped server with a standby.signal is a standby of it.
	if err := p.primary.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	primary, standby := filepath.Join(p.dir, "primary"), filepath.Join(p.dir, "standby")
	for _, command := range [][]string{{"cp", "-a", primary, standby}, {"cp", "-a", filepath.Join(primary, "PG_VERSION"), filepath.Join(standby, "standby.signal")}} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	p.startPrimary(t)
	p.startStandby(t)
	return p
}

func (p *pair) startPrimary(t *testing.T) {
	t.Helper()
	p.primary = p.start(t, "primary", nil)
}

func (p *pair) startStandby(t *testing.T) {
	t.Helper()
	p.standby = p.start(t, "standby", map[string]string{
		"primary_conninfo": "host=" + filepath.Join(p.dir, "primary.socket") + " user=postgres", "wal_retrieve_retry_interval": "100ms",
	})
}

func (p *pair) start(t *testing.T, name string, settings map[string]string) *devpg.Server {
	t.Helper()
	server, err := devpg.Start(t.Context(), devpg.Options{
		DataDir: filepath.Join(p.dir, name), SocketDir: filepath.Join(p.dir, name+".socket"), Settings: settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

// replicated returns a store on both, which checks the replica often.
func (p *pair) replicated(t *testing.T) *postgres.Replicated {
	t.Helper()
	url := func(s *devpg.Server) string {
		return postgres.WithRole(s.URL("postgres", "postgres"), postgres.ReaderRole)
	}
	health, err := postgres.NewHealth(t.Context(), url(p.standby), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = health.Close(context.Background()) })
	r := postgres.NewReplicated(postgres.NewJobStore(openPool(t, url(p.primary), 2), 5*time.Second),
		postgres.NewJobStore(openPool(t, url(p.standby), 2), 5*time.Second), health, discard)
	r.SetInterval(50 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

func (p *pair) exec(t *testing.T, server *devpg.Server, sql string) {
	t.Helper()
	if _, err := pgtest.Connect(t, server.URL("postgres", "postgres")).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

const oneMoreJob = `insert into report_job (report_class, user_id, status, parameters) values ('c', 'u', 'QUEUED', '{"resourceType":"Parameters"}')`

// Reads go to the standby while its lag is small, and to the other server when one is away.
// The doctor sees the same.
func TestReplica(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a standby")
	}
	p := startPair(t)
	url := postgres.WithRole(p.standby.URL("postgres", "postgres"), postgres.ReaderRole)
	for want, e := range map[string]postgres.Examination{
		"warning server: the server is a standby: its jobs may be old":     {URL: url},
		"ok replica server: the server is a standby, and its lag is small": {URL: url, Area: "replica", Setting: "X", Replica: true},
	} {
		eventually(t, want, func() bool {
			_, all := examine(t, e)
			return slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, want) })
		})
	}
	p.exec(t, p.primary, oneMoreJob)
	r := p.replicated(t)
	jobs := func() (n int) {
		t.Helper()
		if err := r.EachJob(t.Context(), newest("u"), func(*report.Job) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	fresh := func() bool { return r.Stats().Fresh }
	stale := func() bool { return !r.Stats().Fresh }

	eventually(t, "the standby is preferred", fresh)
	eventually(t, "the job is there", func() bool { return jobs() == 1 })
	if s := r.Stats(); s.ReplicaReads == 0 || s.Lag < 0 {
		t.Errorf("with both: %+v", s)
	}

	p.exec(t, p.standby, "select pg_wal_replay_pause()")
	p.exec(t, p.primary, oneMoreJob)
	eventually(t, "the standby is behind", func() bool { return r.Stats().Lag > 100*time.Millisecond })
	if n := jobs(); n != 1 {
		t.Errorf("%d jobs on a standby that replays nothing", n)
	}
	p.exec(t, p.standby, "select pg_wal_replay_resume()")
	eventually(t, "the standby is no longer behind", func() bool { return r.Stats().Lag == 0 && jobs() == 2 })

	if err := p.standby.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := jobs(); n != 2 {
		t.Errorf("%d jobs without the standby", n)
	}
	eventually(t, "the primary is preferred", stale)
	before := r.Stats().PrimaryReads
	p.exec(t, p.primary, oneMoreJob)
	if n, s := jobs(), r.Stats(); n != 3 || s.PrimaryReads != before+1 {
		t.Errorf("%d jobs without the standby; %+v", n, s)
	}
	eventually(t, "the lag is unknown", func() bool { return r.Stats().Lag < 0 })
	p.startStandby(t)
	eventually(t, "the standby is preferred again", fresh)
	eventually(t, "the standby has caught up", func() bool { return jobs() == 3 })

	if err := p.primary.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a standby without its primary is not preferred", stale)
	if n := jobs(); n != 3 {
		t.Errorf("%d jobs without the primary", n)
	}
	if err := r.Check(t.Context(), func(context.Context) error { return context.DeadlineExceeded }); err != nil {
		t.Errorf("not ready without the primary: %v", err)
	}
	if err := p.standby.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantKind(t, r.EachJob(t.Context(), newest("u"), func(*report.Job) error { return nil }), report.Unavailable)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("never: %s", what)
		}
	}
}
