// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"reporting/tools/bench/stage"
)

// orderer is the user that orders reports.
const orderer = "orderer"

const (
	order  = "/fhir/$execute-patient-usage-stats"
	wanted = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"ANONYMIZED"}]}`
)

// source is a FHIR server with the data of reports.
type source struct {
	*httptest.Server
	mode atomic.Value // sourceMode
}

type sourceMode string

const (
	healthy sourceMode = "healthy"
	broken  sourceMode = "broken" // responds with 404
	stuck   sourceMode = "stuck"  // does not respond
)

func startSource(t *testing.T) *source {
	t.Helper()
	s := &source{}
	s.mode.Store(healthy)
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *source) answer(w http.ResponseWriter, r *http.Request) {
	for s.mode.Load() == stuck {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	if s.mode.Load() == broken {
		http.NotFound(w, r)
		return
	}
	time.Sleep(20 * time.Millisecond) // the duration of a report
	_, _ = fmt.Fprint(w, `{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":{"resourceType":"EpisodeOfCare","status":"active",
		"patient":{"reference":"Patient/1"},"period":{"start":"2026-01-01"},"statusHistory":[{"status":"active","period":{"start":"2026-01-01"}}]}}]}`)
}

// beginWorkers starts two processes with workers. A lock delays their purge until Prometheus has
// scraped the zero of its counters.
func (f *traffic) beginWorkers(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), owner(f.primary))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "begin; lock table report_binary in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	for n, ops := range f.workerAddrs {
		worker, err := stage.StartWorker(t.Context(), f.program, f.folder(t, "worker"+strconv.Itoa(n)), owner(f.primary), ops,
			"REPORTING_SOURCE="+f.source.URL, "REPORTING_MAX_ATTEMPTS=2", "REPORTING_RETENTION_DAYS=1", "REPORTING_WORKERS=2",
			"REPORTING_STATEMENT_TIMEOUT=20s") // longer than the lock is held
		if err != nil {
			t.Fatal(err)
		}
		killed := n == 0 // by workerKilled
		t.Cleanup(func() {
			if err := worker.Stop(); err != nil && !killed {
				t.Errorf("stop a worker: %v", err)
			}
		})
		f.workers = append(f.workers, worker)
	}
	until(t, "Prometheus has scraped both workers", func() bool {
		found, err := f.recorder.now(t.Context(), `reporting_purged_total{what="jobs"}`)
		return err == nil && len(found) == len(f.workers)
	})
	if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
		t.Error(err)
	}
	f.pause(t, 2)
}

// sourceFails makes attempts fail while other failures happen.
func (f *traffic) sourceFails(t *testing.T) {
	t.Helper()
	f.source.mode.Store(broken)
	for range 3 {
		f.do(t.Context(), call{method: http.MethodPost, addr: f.roomy.Addr, path: order, token: f.orders, body: wanted})
	}
	f.pause(t, 1)
}

// sourceMends waits until a job has failed, and repairs the source.
func (f *traffic) sourceMends(t *testing.T) {
	t.Helper()
	until(t, "a job has failed", func() bool {
		failed := 0.0
		for _, worker := range f.workers {
			failed += figure(t, worker.OpsAddr, `reporting_report_attempts_total{outcome="failed",report="patient-usage-stats"}`)
		}
		return failed > 0
	})
	f.source.mode.Store(healthy)
}

// workerKilled kills a worker whose slots are all busy, and deletes the Binary of a job of the
// other worker.
func (f *traffic) workerKilled(t *testing.T) {
	t.Helper()
	f.source.mode.Store(stuck)
	var last string
	until(t, "all workers are busy", func() bool {
		last = f.place(t)
		return figure(t, f.workers[0].OpsAddr, "reporting_worker_slots_busy") == 2 && figure(t, f.workers[1].OpsAddr, "reporting_worker_slots_busy") == 2
	})
	f.pause(t, 2)
	if err := syscall.Kill(f.workers[0].PID(), syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	f.do(t.Context(), call{method: http.MethodDelete, addr: f.roomy.Addr, path: "/fhir/Binary/" + last, token: f.orders})
	f.pause(t, 1)
	f.source.mode.Store(healthy)
	// A scheduled job that becomes due.
	f.do(t.Context(), call{method: http.MethodPost, addr: f.roomy.Addr, path: strings.Replace(order, "execute", "schedule", 1), token: f.orders, body: wanted})
	execute(t, f.primary, "update report_attempt set due_at = now() where due_at > now()")
}

// place orders a report and returns the id of its Binary.
func (f *traffic) place(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.roomy.Addr+order, strings.NewReader(wanted))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+f.orders)
	request.Header.Set("Content-Type", "application/fhir+json")
	request.Header.Set("Accept", "application/fhir+json")
	answer, err := f.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var binary struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&binary); err != nil || binary.ID == "" {
		t.Fatalf("order a report: %s, %v", answer.Status, err)
	}
	return binary.ID
}

// requeued waits until the sweep has requeued the jobs of the killed worker.
func (f *traffic) requeued(t *testing.T) {
	t.Helper()
	until(t, "jobs are requeued", func() bool {
		return figure(t, f.workers[1].OpsAddr, `reporting_sweep_jobs_total{action="requeued"}`) > 0
	})
	f.pause(t, 2)
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// figure returns the value of a series at an address, or 0 without the series.
func figure(t *testing.T, addr, series string) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), series+" "); found {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return 0
}
