// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"reporting/internal/auth/authtest"
)

const empty = `{"resourceType":"Parameters"}`

// traffic sends requests and provokes failures.
type traffic struct {
	*scene
	*caller

	tokens []string // of the users user1 and so on
	orders string   // token of the user that orders reports
}

// run sends requests in the background and provokes one failure after another.
func (s *scene) run(t *testing.T) *caller {
	t.Helper()
	f := &traffic{scene: s, caller: newCaller()}
	for n := range users {
		f.tokens = append(f.tokens, s.issuer.Token(fmt.Sprintf("user%d", n+1), "Binary.read"))
	}
	f.orders = s.issuer.Token(orderer, "$fetch-patient-usage-stats", "Binary.read")
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { f.business(ctx) })
	defer group.Wait()
	defer stop()
	f.pause(t, 3)
	for _, act := range []struct {
		name string
		play func(*testing.T)
	}{
		{"workers begin", f.beginWorkers},
		{"the source of reports fails", f.sourceFails},
		{"clients make mistakes", f.mistakes},
		{"users exceed their limits", f.overLimits},
		{"bodies and responses are slow", f.slow},
		{"the source of reports recovers", f.sourceMends},
		{"a worker is killed", f.workerKilled},
		{"the key server fails", f.keyServerFails},
		{"the standby falls behind", f.behind},
		{"the table is locked", f.locked},
		{"a right is missing", f.rightMissing},
		{"the database restarts", f.restart},
		{"the sweep requeues jobs", f.requeued},
	} {
		begin := time.Now()
		act.play(t)
		fmt.Printf("%6.1fs  %s (%.1fs)\n", time.Since(s.recorder.began).Seconds(), act.name, time.Since(begin).Seconds()) //nolint:forbidigo // progress
	}
	f.pause(t, 3)
	return f.caller
}

// pause waits for a number of scrapes.
func (f *traffic) pause(t *testing.T, scrapes int) {
	t.Helper()
	time.Sleep(time.Duration(scrapes) * time.Second)
}

// business sends good requests of each kind until ctx ends.
func (f *traffic) business(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		token := f.tokens[n%users]
		for _, what := range []call{
			{method: http.MethodPost, path: operation, token: token, body: empty},
			{path: operation + "?status=QUEUED&_count=5", token: token},
			{path: operation + "?_format=xml", token: token},
			{path: "/fhir/metadata"},
			{path: "/fhir/OperationDefinition/-s-get-report-job-status"},
		} {
			what.addr = f.roomy.Addr
			f.do(ctx, what)
			what.addr = f.narrow.Addr
			f.do(ctx, what)
		}
		if n%10 == 0 {
			f.reports(ctx)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// reports orders a report in each way, and reads a Binary.
func (f *traffic) reports(ctx context.Context) {
	for _, mode := range []string{"execute", "schedule", "fetch"} {
		f.do(ctx, call{method: http.MethodPost, addr: f.roomy.Addr, path: "/fhir/$" + mode + "-patient-usage-stats", token: f.orders, body: wanted})
	}
	f.do(ctx, call{addr: f.roomy.Addr, path: "/fhir/Binary/1", token: f.orders})
}

func (f *traffic) mistakes(t *testing.T) {
	t.Helper()
	good := f.tokens[0]
	expired := f.issuer.Claims("user1")
	expired["exp"], expired["iat"] = time.Now().Add(-time.Hour).Unix(), time.Now().Add(-2*time.Hour).Unix()
	noUser := f.issuer.Claims("")
	delete(noUser, "user_id")
	dot := strings.LastIndexByte(good, '.')
	forged := good[:dot+1] + strings.Repeat("A", len(good)-dot-1)
	for range 3 {
		f.together(t.Context(),
			call{addr: f.roomy.Addr, path: "/wrong"},
			call{addr: f.roomy.Addr, path: operation},
			call{addr: f.roomy.Addr, path: operation, token: forged},
			call{addr: f.roomy.Addr, path: operation, token: "not.a.token"},
			call{addr: f.roomy.Addr, path: operation, token: f.issuer.Sign("RS256", nil, expired)},
			call{addr: f.roomy.Addr, path: operation, token: f.issuer.Sign("RS256", nil, noUser)},
			call{addr: f.roomy.Addr, path: operation, token: good, headers: []string{"Authorization", "Bearer x"}},
			call{addr: f.roomy.Addr, path: operation + "?status=LATE", token: good},
			call{method: http.MethodPost, addr: f.roomy.Addr, path: operation, token: good, body: `{"resourceType":`},
			call{addr: f.roomy.Addr, path: operation, token: f.issuer.Token(longUser), patience: 20 * time.Millisecond}, // disconnects
			call{method: http.MethodDelete, addr: f.roomy.Addr, path: operation, token: good},
		)
		f.pause(t, 1)
	}
}

func (f *traffic) overLimits(t *testing.T) {
	t.Helper()
	for range 40 {
		f.do(t.Context(), call{addr: f.narrow.Addr, path: operation, token: f.tokens[1]})
	}
	f.pause(t, 1)
}

// slow sends a large body and reads a long response, slowly enough to be scraped.
func (f *traffic) slow(t *testing.T) {
	t.Helper()
	body := `{"resourceType":"Parameters"` + strings.Repeat(" ", 100<<10) + `}`
	slowly(t, f.roomy.Addr, f.issuer.Token(longUser), body, 2500*time.Millisecond)
}

// keyServerFails sends a token with an unknown key while the key server fails, which makes the
// service load the keys.
func (f *traffic) keyServerFails(t *testing.T) {
	t.Helper()
	f.issuer.Break(authtest.Unavailable)
	unknownKey := f.issuer.Sign("RS256", authtest.Fields{"kid": "unknown"}, f.issuer.Claims("user1"))
	f.together(t.Context(), call{addr: f.roomy.Addr, path: operation, token: unknownKey}, call{addr: f.narrow.Addr, path: operation, token: unknownKey})
	f.pause(t, 2)
	f.issuer.Break(authtest.Healthy)
}

// locked locks the table, so that some requests reach the statement timeout.
func (f *traffic) locked(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), owner(f.primary))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "begin; lock table report_job in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	var one, crowd []call
	for range 12 {
		one = append(one, call{addr: f.narrow.Addr, path: operation + "?status=DONE", token: f.tokens[2]})
	}
	for n := range 2 * users {
		// More than the pool and the concurrency limit allow.
		crowd = append(crowd, call{addr: f.narrow.Addr, path: operation + "?status=DONE", token: f.tokens[n%users]})
	}
	var group sync.WaitGroup
	group.Go(func() { f.together(t.Context(), one...) })
	f.pause(t, 1)
	group.Go(func() { f.together(t.Context(), crowd...) })
	f.pause(t, 4)
	if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
		t.Error(err)
	}
	group.Wait()
}

func (f *traffic) rightMissing(t *testing.T) {
	t.Helper()
	execute(t, f.primary, "revoke select on report_job from reporting_reader")
	f.pause(t, 2)
	execute(t, f.primary, "grant select on report_job to reporting_reader")
}

// behind pauses the replay of the standby.
func (f *traffic) behind(t *testing.T) {
	t.Helper()
	execute(t, f.primary, "analyze report_job") // a commit, from which the standby measures its lag
	f.pause(t, 1)
	execute(t, f.standby, "select pg_wal_replay_pause()")
	execute(t, f.primary, insertJobs)
	f.pause(t, 3)
	execute(t, f.standby, "select pg_wal_replay_resume()")
}

func (f *traffic) restart(t *testing.T) {
	t.Helper()
	f.stop(t, f.primary)
	f.pause(t, 3)
	f.startPrimary(t)
}
