// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/config"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// target is a server under test.
type target struct {
	base string // the URL of [base]
	ops  string // the URL of its operations listener; empty: unknown
	load func(testing.TB, ...report.Job)
}

// public returns the public base URL from the server's CapabilityStatement.
func (s target) public(t testing.TB) string {
	t.Helper()
	var statement struct{ Implementation struct{ URL string } }
	if err := json.Unmarshal(s.do(t, request{method: "GET", path: "/metadata"}).body, &statement); err != nil {
		t.Fatal(err)
	}
	return statement.Implementation.URL
}

// isRemote reports whether the suite tests another server.
func isRemote() bool { return os.Getenv("REPORTING_CONFORMANCE_URL") != "" }

// shared returns the server of the tests that only add jobs of their own users.
func shared(t testing.TB) target {
	t.Helper()
	if isRemote() {
		return remote()
	}
	sharedMu.Lock()
	defer sharedMu.Unlock()
	if sharedTarget == nil {
		// It outlives the test that starts it.
		c := settings(t, pgtest.New(t))
		withReports(t, &c)
		own := start(t, context.Background(), c, app.Traces{})
		sharedTarget = &own.target
	}
	return *sharedTarget
}

var (
	sharedMu     sync.Mutex
	sharedTarget *target
)

func remote() target {
	return target{
		base: strings.TrimSuffix(os.Getenv("REPORTING_CONFORMANCE_URL"), "/"),
		ops:  strings.TrimSuffix(os.Getenv("REPORTING_CONFORMANCE_OPS_URL"), "/"),
		load: func(t testing.TB, jobs ...report.Job) {
			t.Helper()
			database := os.Getenv("REPORTING_CONFORMANCE_DATABASE_URL")
			if database == "" {
				t.Skip("needs to insert jobs: set REPORTING_CONFORMANCE_DATABASE_URL")
			}
			if err := postgres.Load(t.Context(), database, jobs); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// instance is a server that belongs to one test.
type instance struct {
	target
	db  pgtest.Database
	log *logBuffer
	// audit holds the audit records.
	audit *logBuffer
	// stop stops the server like a signal, and waits for its end.
	stop func() error
}

// own starts a server for one test, with settings of its own. It skips the test when the
// suite tests another server.
func own(t *testing.T, change func(*config.Config)) instance {
	t.Helper()
	return ownTraced(t, app.Traces{}, change)
}

// ownTraced is own, with traces.
func ownTraced(t *testing.T, traces app.Traces, change func(*config.Config)) instance {
	t.Helper()
	needsOwnServer(t)
	db := pgtest.New(t)
	c := settings(t, db)
	if change != nil {
		change(&c)
	}
	i := start(t, t.Context(), c, traces)
	i.db = db
	t.Cleanup(func() { _ = i.stop() })
	return i
}

func settings(t testing.TB, db pgtest.Database) config.Config {
	t.Helper()
	// The public base differs from the address, as behind a proxy.
	base, err := url.Parse("https://reporting.example.org/fhir")
	if err != nil {
		t.Fatal(err)
	}
	return config.Config{
		Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", BaseURL: base, MaxBody: 1 << 20,
		MaxConnections: 4096, MaxConcurrent: 512, // as shipped
		ShutdownGrace: 10 * time.Second, DatabaseURL: config.Secret(db.Reader), StatementTimeout: 5 * time.Second,
		Auth: config.Gateway, AuthTrustedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		AuditLog: config.AuditStdout,
	}
}

// withReports configures reports on the data in testdata/episodes.
func withReports(t testing.TB, c *config.Config) {
	t.Helper()
	episodes, err := filepath.Abs("testdata/episodes")
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	c.Reports = config.Reports{
		Source: config.Source{Kind: config.Folder, Dir: episodes},
		Zone:   zone, NightHour: (time.Now().In(zone).Hour() + 12) % 24, // not while the tests run
		Timeout: time.Minute, MaxAttempts: 3, FetchTimeout: 8 * time.Second, FetchConcurrent: 16, Workers: 2,
	}
}

//nolint:revive // the context is the server's, not the test's
func start(t testing.TB, ctx context.Context, c config.Config, traces app.Traces) instance {
	t.Helper()
	log, audit := &logBuffer{}, &logBuffer{}
	keep(log)
	service, err := app.New(ctx, app.Options{
		Config: c, Traces: traces, Build: telemetry.Build{Version: "9.8.7"}, Stdout: audit, Demo: c.Reports.On(),
		Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- service.Run(running) }()
	return instance{
		target: target{
			base: fmt.Sprintf("http://%s%s", service.Addr(), c.BaseURL.Path),
			ops:  fmt.Sprintf("http://%s", service.OpsAddr()),
			load: func(t testing.TB, jobs ...report.Job) {
				t.Helper()
				superuser := strings.Replace(string(c.DatabaseURL), "role="+postgres.ReaderRole, "role="+postgres.ProducerRole, 1)
				if err := postgres.Load(t.Context(), superuser, jobs); err != nil {
					t.Fatal(err)
				}
			},
		},
		log: log, audit: audit,
		stop: sync.OnceValue(func() error {
			cancel()
			return <-ended
		}),
	}
}

// logBuffer collects log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(line)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
