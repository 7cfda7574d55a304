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

// isUnavailable checks a 503, which has Retry-After in whole seconds (W-26).
func (a response) isUnavailable(t *testing.T, code models.IssueType) {
	t.Helper()
	a.isOutcome(t, http.StatusServiceUnavailable, code)
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
		t.Errorf("got Retry-After %q", a.header.Get("Retry-After"))
	}
}

func TestW26_UnavailableHasRetryAfter(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.DatabaseURL = unreachable })
	server.do(t, status("u")).isUnavailable(t, models.IssueTypeTransient)
}

// The database stops under load and starts again: all responses in between are 503, and
// 200 follows without a restart of the service.
func TestW100_DatabaseOutageIs503AndHeals(t *testing.T) {
	t.Parallel()
	slow(t, "starts a Postgres of its own, twice")
	needsOwnServer(t)
	dir := pgtest.Dir(t)
	options := devpg.Options{DataDir: filepath.Join(dir, "data"), SocketDir: filepath.Join(dir, "socket")}
	database := startDatabase(t, options)
	if _, err := postgres.Migrate(t.Context(), database.URL("postgres", "postgres"), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	url := config.Secret(postgres.WithRole(database.URL("postgres", "postgres"), postgres.ReaderRole))
	server := own(t, func(c *config.Config) { c.DatabaseURL = url })
	if a := server.do(t, status("u")); a.status != http.StatusOK {
		t.Fatalf("before: got status %d, %s", a.status, a.body)
	}

	var okAfter, unavailable atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				a := server.do(t, status("u"))
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("status %d took %v, want at most 2 s", a.status, took)
				}
				if a.status == http.StatusOK {
					okAfter.Store(time.Now().UnixNano())
					continue
				}
				unavailable.Add(1)
				a.isUnavailable(t, models.IssueTypeTransient)
			}
		})
	}
	waitFor(t, "load", func() bool { return okAfter.Load() > 0 })
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first 503", func() bool { return unavailable.Load() > 0 })
	if a := (target{base: server.ops}).do(t, request{method: "GET", path: "/livez"}); a.status != http.StatusOK {
		t.Errorf("/livez without a database: got status %d", a.status)
	}
	// /readyz caches its result for a second.
	waitFor(t, "not ready", func() bool { return !ready(t, server) })
	startDatabase(t, options)
	back := time.Now()
	waitFor(t, "the first 200", func() bool { return okAfter.Load() > back.UnixNano() })
	if took := time.Since(back); took > 2*time.Second {
		t.Errorf("got 200 %v after the database, want it within 2 s", took)
	}
	cancel()
	wg.Wait()
}

func TestW101_StatementTimeoutIs503(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.StatementTimeout = 200 * time.Millisecond })
	lock := lockTable(t, server)
	server.do(t, status("u")).isUnavailable(t, models.IssueTypeTimeout)
	lock()
	// A busy machine may exceed such a short timeout by itself.
	a := server.do(t, status("u"))
	for deadline := time.Now().Add(10 * time.Second); a.status != http.StatusOK && time.Now().Before(deadline); {
		a = server.do(t, status("u"))
	}
	if a.status != http.StatusOK {
		t.Errorf("after the lock: got status %d, %s; want 200", a.status, a.body)
	}
}

func TestW102_MissingTableOrPrivilegeIs500(t *testing.T) {
	t.Parallel()
	slow(t, "changes the schema of a database")
	needsOwnServer(t)
	empty, forbidden := pgtest.Empty(t), pgtest.New(t)
	for _, tt := range []struct{ url, state string }{{empty.Superuser, "42P01"}, {forbidden.Producer, "42501"}} {
		server := own(t, func(c *config.Config) { c.DatabaseURL = config.Secret(tt.url) })
		server.do(t, status("u")).isOutcome(t, http.StatusInternalServerError, models.IssueTypeException)
		if a := (target{base: server.ops}).do(t, request{method: "GET", path: "/readyz"}); a.status != http.StatusServiceUnavailable {
			t.Errorf("ready with SQL state %s: %s", tt.state, a.body)
		}
		if !strings.Contains(server.log.String(), tt.state) {
			t.Errorf("got no SQL state %s in the log", tt.state)
		}
	}
}

func TestW103_PanicIs500(t *testing.T) {
	t.Parallel()
	log := &logBuffer{}
	// No operation of the service panics, so the test adds one.
	handler, err := httpapi.New(httpapi.Options{
		Base: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}, MaxBody: 1, Now: time.Now,
		Auth:    auth.NewGateway(auth.GatewayOptions{TrustedPeers: settings(t, pgtest.Database{}).AuthTrustedPeers}),
		Log:     slog.New(slog.NewJSONHandler(log, nil)),
		Metrics: telemetry.NewMetrics(telemetry.Build{}), Draining: func() bool { return false },
		Operations: []httpapi.Operation{{
			Operation: fhir.Operation{Name: "panic"},
			Endpoint:  httpapi.Endpoint{Serve: func(http.ResponseWriter, *httpapi.Request) (int, error) { panic("secret words") }},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	httpServer := httptest.NewServer(handler)
	defer httpServer.Close()
	server := target{base: httpServer.URL + "/fhir"}
	for range 2 { // the process continues
		a := server.do(t, request{method: "GET", path: "/$panic", user: "u"})
		a.isOutcome(t, http.StatusInternalServerError, models.IssueTypeException)
		if strings.Contains(string(a.body), "secret") {
			t.Errorf("got %s", a.body)
		}
	}
	if !strings.Contains(log.String(), "secret words") || !strings.Contains(log.String(), "trouble_test.go") {
		t.Errorf("got no stack in the log: %s", log)
	}
}

func TestW104_DisconnectedClientCancelsTheQuery(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.StatementTimeout = time.Minute }) // the client, not the timeout, ends the query
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
		t.Errorf("got more than an access log line: %s", server.log)
	}
}

// A stop under load loses no request: /readyz fails first, requests in flight finish, then
// the port closes.
func TestW105_StopUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	slow(t, "stops a server under load")
	server := own(t, func(c *config.Config) { c.ShutdownDelay = 500 * time.Millisecond })
	var answered atomic.Int64
	var signalled, stopping atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stopping.Load() {
				a := server.do(t, status("u"))
				switch {
				case a.status == http.StatusOK:
					answered.Add(1)
				case signalled.Load(): // before the stop, a busy machine may open connections slowly
					t.Errorf("got status %d: %s", a.status, a.body)
				}
			}
		})
	}
	waitFor(t, "load", func() bool { return answered.Load() > 100 })
	ended := make(chan error, 1)
	signalled.Store(true)
	go func() { ended <- server.stop() }()
	// A balancer sends no more requests; requests in flight continue.
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

// A request in flight when the service stops gets its response.
func TestW105_StopFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	if a := server.stopDuring(t, status("u")); a.status != http.StatusOK || string(a.body) != emptyList {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestW108_ErrorsAreOperationOutcomes(t *testing.T) {
	t.Parallel()
	for name, r := range oneOfEachKind() {
		a := shared(t).do(t, r)
		if a.status < http.StatusBadRequest {
			continue
		}
		if issues := a.hasIssues(t, a.status); len(issues) != 1 {
			t.Errorf("%s: %d issues", name, len(issues))
		}
	}
}
