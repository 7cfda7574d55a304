// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/devpg"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/telemetry"
)

// away checks a 503 (W-26: with Retry-After in whole seconds).
func (a answer) away(t *testing.T, code models.IssueType) {
	t.Helper()
	a.outcome(t, http.StatusServiceUnavailable, code)
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

func TestW26_UnavailableHasRetryAfter(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.DatabaseURL = unreachable })
	server.do(t, status("u")).away(t, models.IssueTypeTransient)
}

// The database stops under load and comes back: nothing but 503 in between, and
// 200 again by itself.
func TestW100_DatabaseOutageIs503AndHeals(t *testing.T) {
	t.Parallel()
	slow(t, "starts a Postgres of its own, twice")
	dir := pgtest.Dir(t)
	options := devpg.Options{DataDir: filepath.Join(dir, "data"), SocketDir: filepath.Join(dir, "socket")}
	database := startDatabase(t, options)
	if _, err := postgres.Migrate(t.Context(), database.URL("postgres", "postgres"), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	url := config.Secret(postgres.WithRole(database.URL("postgres", "postgres"), postgres.ReaderRole))
	server := own(t, func(c *config.Config) { c.DatabaseURL = url })
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Fatalf("before: %d %s", a.status, a.body)
	}

	var okAfter, away atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				a := server.do(t, status("u"))
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("an answer of %d took %v", a.status, took)
				}
				if a.status == http.StatusOK {
					okAfter.Store(time.Now().UnixNano())
					continue
				}
				away.Add(1)
				a.away(t, models.IssueTypeTransient)
			}
		})
	}
	waitFor(t, "load", func() bool { return okAfter.Load() > 0 })
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first 503", func() bool { return away.Load() > 0 })
	if a := (target{base: server.ops}).do(t, request{method: "GET", path: "/livez"}); a.status != http.StatusOK {
		t.Errorf("/livez without a database: %d", a.status)
	}
	// An answer of /readyz may be a second old.
	waitFor(t, "not ready", func() bool { return !ready(t, server) })
	startDatabase(t, options)
	back := time.Now()
	waitFor(t, "the first 200", func() bool { return okAfter.Load() > back.UnixNano() })
	if took := time.Since(back); took > 2*time.Second {
		t.Errorf("well again %v after the database", took)
	}
	cancel()
	wg.Wait()
}

func TestW101_StatementTimeoutIs503(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.StatementTimeout = 200 * time.Millisecond })
	lock := lockTable(t, server)
	server.do(t, status("u")).away(t, models.IssueTypeTimeout)
	lock()
	// A busy machine may miss such a short limit once more by itself.
	a := server.do(t, status("u"))
	for deadline := time.Now().Add(10 * time.Second); a.status != http.StatusOK && time.Now().Before(deadline); {
		a = server.do(t, status("u"))
	}
	if a.status != http.StatusOK {
		t.Errorf("not well again: %d %s", a.status, a.body)
	}
}

func TestW102_MissingTableOrPrivilegeIs500(t *testing.T) {
	t.Parallel()
	empty, forbidden := pgtest.Empty(t), pgtest.New(t)
	for _, tt := range []struct{ url, state string }{{empty.Superuser, "42P01"}, {forbidden.Producer, "42501"}} {
		server := own(t, func(c *config.Config) { c.DatabaseURL = config.Secret(tt.url) })
		server.do(t, status("u")).outcome(t, http.StatusInternalServerError, models.IssueTypeException)
		if a := (target{base: server.ops}).do(t, request{method: "GET", path: "/readyz"}); a.status != http.StatusServiceUnavailable {
			t.Errorf("ready with SQL state %s: %s", tt.state, a.body)
		}
		if !strings.Contains(server.log.String(), tt.state) {
			t.Errorf("the log does not tell SQL state %s", tt.state)
		}
	}
}

func TestW103_PanicIs500(t *testing.T) {
	t.Parallel()
	log := &logBuffer{}
	// The one test that needs an operation of its own: none of ours panics.
	handler, err := httpapi.New(httpapi.Options{
		Base: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}, MaxBody: 1, Now: time.Now,
		Auth:    auth.NewGateway(auth.GatewayOptions{TrustedPeers: settings(t, pgtest.Database{}).AuthTrustedPeers}),
		Log:     slog.New(slog.NewJSONHandler(log, nil)),
		Metrics: telemetry.NewMetrics(telemetry.Build{}), Draining: func() bool { return false },
		Operations: []httpapi.Operation{{
			Operation: fhir.Operation{Name: "panic"},
			Endpoint:  httpapi.Endpoint{Serve: func(http.ResponseWriter, *http.Request, httpapi.Call) (int, error) { panic("secret words") }},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	httpServer := httptest.NewServer(handler)
	defer httpServer.Close()
	server := target{base: httpServer.URL + "/fhir"}
	for range 2 { // the process lives on
		a := server.do(t, request{method: "GET", path: "/$panic", user: "u"})
		a.outcome(t, http.StatusInternalServerError, models.IssueTypeException)
		if strings.Contains(string(a.body), "secret") {
			t.Errorf("%s", a.body)
		}
	}
	if !strings.Contains(log.String(), "secret words") || !strings.Contains(log.String(), "trouble_test.go") {
		t.Errorf("the log has no stack: %s", log)
	}
}

func TestW104_DisconnectedClientCancelsTheQuery(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	lock := lockTable(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := send(server.build(t, status("u")).WithContext(ctx))
		ended <- err
	}()
	watcher := pgtest.Connect(t, server.db.Superuser)
	waiting := func() bool { return waitingQueries(t, watcher) == 1 }
	waitFor(t, "the query", waiting)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	waitFor(t, "the end of the query", func() bool { return !waiting() })
	waitFor(t, "the log", func() bool { return strings.Contains(server.log.String(), `"status":499`) })
	lock()
	if strings.Contains(server.log.String(), `"level":"ERROR"`) || strings.Contains(server.log.String(), `"level":"WARN","msg":"request`) {
		t.Errorf("more than an access log line: %s", server.log)
	}
}

// Stopping under load loses nothing: not ready first, then what is in flight
// finishes, then the port closes.
func TestW105_StopUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.ShutdownDelay = 500 * time.Millisecond })
	var answered atomic.Int64
	var told, stopping atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stopping.Load() {
				a := server.do(t, status("u"))
				switch {
				case a.status == http.StatusOK:
					answered.Add(1)
				case told.Load(): // before, a busy machine may be slow to open connections
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	waitFor(t, "load", func() bool { return answered.Load() > 100 })
	ended := make(chan error, 1)
	told.Store(true)
	go func() { ended <- server.stop() }()
	// A balancer sees this and sends no more; in-flight requests go on.
	waitFor(t, "not ready", func() bool {
		a := (target{base: server.ops}).do(t, request{method: "GET", path: "/readyz"})
		return a.status == http.StatusServiceUnavailable
	})
	stopping.Store(true)
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A request that is being answered when the service is told to stop is answered.
func TestW105_StopFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	if a := server.stopDuring(t, status("u")); a.status != http.StatusOK || string(a.body) != emptyList {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestW108_ErrorsAreOperationOutcomes(t *testing.T) {
	t.Parallel()
	for name, r := range everyKind() {
		a := shared(t).do(t, r)
		if a.status < http.StatusBadRequest {
			continue
		}
		if issues := a.issues(t, a.status); len(issues) != 1 {
			t.Errorf("%s: %d issues", name, len(issues))
		}
	}
}
