// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"reporting/internal/config"
	"reporting/internal/telemetry"
)

// The logs of all services that this run starts, at level debug.
var (
	keptMu sync.Mutex
	kept   []*logBuffer
)

func keep(log *logBuffer) {
	keptMu.Lock()
	defer keptMu.Unlock()
	kept = append(kept, log)
}

// secret matches text that must not be in a log: tokens, user ids, and parts of requests and
// responses. All users of this suite that own jobs have ids of this form.
var secret = regexp.MustCompile(`eyJ|(?i:bearer )[^ "]+\.|conformance-[0-9a-f]{8}-|resourceType|valueString|anonymization`)

// TestMain searches all logs after the tests. REPORTING_CONFORMANCE_LOG names a file that
// keeps them.
func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for a database or a deadline. Another server has its own limits.
	if parallel := flag.Lookup("test.parallel"); !isRemote() && parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	}
	// The SDK sends spans at once, and drops none.
	for name, value := range map[string]string{"OTEL_BSP_SCHEDULE_DELAY": "5", "OTEL_BSP_MAX_QUEUE_SIZE": "100000"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	var all strings.Builder
	for _, log := range kept {
		all.WriteString(log.String())
	}
	for line := range strings.Lines(all.String()) {
		if found := secret.FindString(line); found != "" {
			fmt.Fprintf(os.Stderr, "the log holds %q: %s", found, line)
			code = 1
		}
	}
	if name := os.Getenv("REPORTING_CONFORMANCE_LOG"); name != "" {
		if err := os.WriteFile(name, []byte(all.String()), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// logged returns the log lines of a request, decoded.
func (i instance) logged(t *testing.T, id string) (lines []map[string]any) {
	t.Helper()
	waitFor(t, "the log line", func() bool {
		lines = nil
		for line := range strings.Lines(i.log.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if fields["request_id"] == id {
				lines = append(lines, fields)
			}
		}
		return len(lines) > 0
	})
	return lines
}

// audited returns the audit records so far. The service writes them a few milliseconds after
// the response.
func (i instance) audited(t *testing.T) (records []telemetry.AuditRecord) {
	t.Helper()
	time.Sleep(100 * time.Millisecond)
	for line := range strings.Lines(i.audit.String()) {
		var record telemetry.AuditRecord
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		records = append(records, record)
	}
	return records
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	server := own(t, func(c *config.Config) { c.LogUserKey = "a key of decent length" })
	a, b := newUser(), newUser()
	pseudonyms := map[string]bool{}
	for id, user := range map[string]string{"a1": a, "a2": a, "b1": b} {
		answered := server.do(t, status(user).with("X-Request-Id", id).
			with("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
		lines := server.logged(t, id)
		if len(lines) != 1 {
			t.Fatalf("%d lines: %v", len(lines), lines)
		}
		line := lines[0]
		if line["operation"] != "get-report-job-status" || line["status"] != 200.0 || line["method"] != "POST" || line["level"] != "INFO" ||
			line["bytes"] != float64(len(answered.body)) || line["trace_id"] != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%v", line)
		}
		if duration, ok := line["duration_ms"].(float64); !ok || duration <= 0 {
			t.Errorf("duration %v", line["duration_ms"])
		}
		if want := telemetry.NewPseudonyms("a key of decent length").Of(user); line["user"] != want {
			t.Errorf("user %v, want %s", line["user"], want)
		}
		pseudonyms[fmt.Sprint(line["user"])] = true
	}
	if len(pseudonyms) != 2 {
		t.Errorf("got pseudonyms %v for two users, want two", pseudonyms)
	}
	server.do(t, request{method: "POST", path: operation}.with("X-Request-Id", "no-token"))
	if line := server.logged(t, "no-token")[0]; line["user"] != nil || line["status"] != 401.0 || line["reason"] == nil {
		t.Errorf("%v", line)
	}
}

// Each response with data of a user has one audit record.
func TestAuditOfStatusCalls(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	user := newUser()
	server.load(t, doneJob(user, noon), queuedJob(user, noon), queuedJob(newUser(), noon))
	begin := time.Now().Add(-time.Second)
	for id, r := range map[string]request{
		"all": status(user), "xml": status(user).with("Accept", "application/fhir+xml"),
		"some": {method: "GET", path: operation + "?status=DONE", user: user},
		"head": {method: "HEAD", path: operation, user: user},
		"none": status(newUser()),
		// These return no jobs.
		"rejected":    {method: "POST", path: operation},
		"no such":     {method: "GET", path: "/nothing", user: user},
		"format":      status(user).with("Accept", "image/png"),
		"wrong input": {method: "GET", path: operation + "?_count=x", user: user},
		"metadata":    {method: "GET", path: "/metadata", user: user},
	} {
		server.do(t, r.with("X-Request-Id", strings.ReplaceAll(id, " ", "-")))
	}
	got := map[string]telemetry.AuditRecord{}
	for _, record := range server.audited(t) {
		got[record.RequestID] = record
		if record.Event != "read" || record.Operation != "get-report-job-status" || !record.Complete || record.Count == nil {
			t.Errorf("got %+v", record)
		}
		if record.Time.Before(begin) || record.Time.After(time.Now()) {
			t.Errorf("time %s", record.Time)
		}
		if record.UserID != user && record.RequestID != "none" {
			t.Errorf("user %q", record.UserID)
		}
	}
	want := map[string]int{"all": 2, "xml": 2, "some": 1, "head": 2, "none": 0}
	if len(got) != len(want) {
		t.Errorf("got %d records, want %d: %s", len(got), len(want), server.audit)
	}
	for id, count := range want {
		if record, ok := got[id]; !ok || *record.Count != count {
			t.Errorf("%s: %+v, want %d", id, record, count)
		}
	}
	if got["head"].Method != http.MethodHead {
		t.Errorf("got %+v", got["head"])
	}
	for _, word := range []string{"resourceType", "eyJ", "Binary"} {
		if strings.Contains(server.audit.String(), word) {
			t.Errorf("the audit log holds %s", word)
		}
	}
}

// An audit file is readable for the user of the service only. A restart appends to it.
func TestAuditFileIsPrivateAndAppendedTo(t *testing.T) {
	t.Parallel()
	slow(t, "starts a server several times")
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	for range 2 {
		server := own(t, func(c *config.Config) { c.AuditLog = name })
		server.do(t, status(newUser()))
		if err := server.stop(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil || strings.Count(string(text), `"event":"read"`) != 2 {
		t.Errorf("%v: %s", err, text)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
