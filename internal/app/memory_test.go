// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/config"
	"reporting/internal/postgres/pgtest"
)

// The memory of the service does not grow while it sends 100,000 jobs of one user.
//
//nolint:paralleltest // it measures the whole process
func TestLongListInFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: reads 100,000 jobs")
	}
	const jobs, limit = 100_000, 32 << 20
	db := pgtest.New(t)
	db.Exec(t, `insert into report_job (report_class, user_id, status, parameters)
		select 'com.example.Report', 'u', 'QUEUED', '{"resourceType":"Parameters"}' from generate_series(1, $1::int)`, jobs)
	service, err := app.New(t.Context(), app.Options{
		Log: slog.New(slog.DiscardHandler),
		Config: config.Config{
			MaxConnections: 100,
			Listen:         "127.0.0.1:0", OpsListen: "127.0.0.1:0", BaseURL: &url.URL{Scheme: "http", Host: "x", Path: "/fhir"},
			MaxBody: 1 << 20, ShutdownGrace: time.Second, DatabaseURL: config.Secret(db.Reader), StatementTimeout: 5 * time.Second,
			Auth: config.Gateway, AuthTrustedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(running) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	ask := func(user, query string) io.ReadCloser {
		t.Helper()
		address := fmt.Sprintf("http://%s/fhir/$get-report-job-status%s", service.Addr(), query)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+app.Token(user, "", nil, time.Time{}))
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		return response.Body
	}
	for _, tt := range []struct {
		query string
		want  int
	}{
		{"?_format=json", jobs},
		{"?_format=xml&_count=10000", 10_000}, // the service reads XML twice
	} {
		warm := ask("without jobs", tt.query)
		_, _ = io.Copy(io.Discard, warm)
		_ = warm.Close()
		measure(t, ask("u", tt.query), tt.want, limit)
	}
}

// measure reads a list and checks its length and the growth of the memory.
func measure(t *testing.T, body io.ReadCloser, jobs, limit int) {
	t.Helper()
	defer func() { _ = body.Close() }()
	runtime.GC()
	before, peak, entries := memory(), uint64(0), 0
	piece := make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(body, piece)
		entries += bytes.Count(piece[:n], []byte(`"reportJob"`))
		peak = max(peak, memory())
		if err != nil {
			break
		}
	}
	if missed := jobs - entries; missed < 0 || missed > jobs/1000 { // a name may cross two pieces
		t.Errorf("got %d jobs, want %d", entries, jobs)
	}
	growth := int64(peak) - int64(before)
	t.Logf("memory grew by %d KiB during %d jobs", growth>>10, jobs)
	if growth > int64(limit) {
		t.Errorf("memory grew by %d bytes, want at most %d", growth, limit)
	}
}

// memory returns the bytes that the process holds from the system.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}
