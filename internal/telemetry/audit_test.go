// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/telemetry"
)

// trail is an Audit with its log and its metrics.
type trail struct {
	*telemetry.Audit

	log     bytes.Buffer
	metrics *telemetry.Metrics
}

func newTrail(out io.Writer) *trail {
	t := &trail{metrics: telemetry.NewMetrics(telemetry.Build{})}
	t.Audit = telemetry.NewAudit(out, slog.New(slog.NewJSONHandler(&t.log, nil)), t.metrics)
	return t
}

func (a *trail) failures(t *testing.T) string {
	t.Helper()
	text := get(t, telemetry.Handler(a.metrics, telemetry.NewReadiness(slog.New(slog.DiscardHandler))), "/metrics").Body.String()
	_, after, _ := strings.Cut(text, "\nreporting_audit_failures_total ")
	count, _, _ := strings.Cut(after, "\n")
	return count
}

func TestAuditWritesAll(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	audit := newTrail(&out)
	const writers, records = 8, 500
	var wg sync.WaitGroup
	for writer := range writers {
		wg.Go(func() {
			for n := range records {
				audit.Write(telemetry.AuditRecord{Event: telemetry.AuditRead, RequestID: fmt.Sprint(writer, "-", n)})
			}
		})
	}
	wg.Wait()
	if err := audit.Close(t.Context()); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		var record telemetry.AuditRecord
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		seen[record.RequestID] = true
	}
	if len(seen) != writers*records || audit.failures(t) != "0" {
		t.Errorf("%d records of %d, %s failures", len(seen), writers*records, audit.failures(t))
	}
	audit.Write(telemetry.AuditRecord{}) // by a handler that was still running
	if audit.failures(t) != "1" {
		t.Errorf("a record after the end: %s failures", audit.failures(t))
	}
}

// No user id can end a line or change the text direction of a terminal.
func TestAuditIsASCII(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	audit := newTrail(&out)
	const user = "u\n\x00\x1b\x7f\u0085\u009b\u202e\u2028\"\\æ😀\ufffd"
	audit.Write(telemetry.AuditRecord{UserID: user})
	if err := audit.Close(t.Context()); err != nil {
		t.Error(err)
	}
	text := out.String()
	for i, b := range []byte(strings.TrimSuffix(text, "\n")) {
		if b < ' ' || b > '~' {
			t.Errorf("byte %#x at %d of %q", b, i, text)
		}
	}
	var record telemetry.AuditRecord
	if err := json.Unmarshal(out.Bytes(), &record); err != nil || record.UserID != user {
		t.Errorf("%v: %q became %q", err, user, record.UserID)
	}
}

// small is a disk with limited space.
type small struct {
	bytes.Buffer

	room int
}

func (s *small) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	s.room -= n
	_, _ = s.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left")
	}
	return n, nil
}

// A full disk loses the records that do not fit, and not the next one.
func TestAuditOnAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := &small{room: 10}
		audit := newTrail(disk)
		audit.Write(telemetry.AuditRecord{RequestID: "lost"})
		time.Sleep(time.Second)
		synctest.Wait()
		audit.Write(telemetry.AuditRecord{RequestID: "lost too"})
		time.Sleep(time.Second)
		synctest.Wait()
		disk.room = 10_000
		audit.Write(telemetry.AuditRecord{RequestID: "kept"})
		if err := audit.Close(t.Context()); err != nil {
			t.Error(err)
		}
		lines := strings.Split(strings.TrimSpace(disk.String()), "\n")
		var record telemetry.AuditRecord
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &record); err != nil || record.RequestID != "kept" {
			t.Errorf("%v: %q", err, lines)
		}
		if audit.failures(t) != "2" {
			t.Errorf("%s failures, want 2", audit.failures(t))
		}
		if !strings.Contains(audit.log.String(), `"level":"ERROR"`) || !strings.Contains(audit.log.String(), "no space left") {
			t.Errorf("no error in the log: %s", audit.log.String())
		}
	})
}

// stuck is a pipe without a reader.
type stuck struct{ free chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	<-s.free
	return len(p), nil
}

// A pipe that is not read delays no response.
func TestAuditThatIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := stuck{free: make(chan struct{})}
		audit := newTrail(pipe)
		begin := time.Now()
		for range 10_000 {
			audit.Write(telemetry.AuditRecord{})
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("responses waited %s", took)
		}
		if audit.failures(t) == "0" || audit.log.Len() == 0 {
			t.Error("the loss is neither counted nor logged")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := audit.Close(ctx); err == nil {
			t.Error("Close returned no error")
		}
		if audit.failures(t) != "10000" {
			t.Errorf("%s of 10000 records counted as lost", audit.failures(t))
		}
		close(pipe.free)
		time.Sleep(time.Minute) // until the remaining records are written
	})
}
