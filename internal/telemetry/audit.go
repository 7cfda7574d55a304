// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// auditQueue is the maximum number of records that wait to be written.
	auditQueue = 4096
	// auditPatience is how long a response waits for room in the queue. It is long for a busy
	// disk and short for a client.
	auditPatience = time.Second
	// auditPause is the time for which records are collected into one write.
	auditPause = 5 * time.Millisecond
	// auditBatch is the approximate size of one write, in bytes.
	auditBatch = 32 << 10
)

// Audit is the stream of audit records. It is separate from the log, because it names users and
// is kept longer. A nil Audit drops its records.
//
// A goroutine writes the records, because a reader of a pipe can stop reading. Records are lost
// then, which is counted and logged, but the service continues.
type Audit struct {
	out     io.Writer
	log     *slog.Logger
	metrics *Metrics
	lines   chan []byte
	pending atomic.Int64 // accepted records that are neither written nor lost
	mu      sync.RWMutex // held for reading while a record enters the queue, so that Close misses none
	closed  bool         // lines is closed
	stalled atomic.Bool  // a record waits for room in the queue
	told    atomic.Int64 // time of the last logged loss, in seconds
	torn    bool         // the last line is incomplete; only the goroutine uses it
	stopped chan struct{}
}

// NewAudit returns a stream that writes one JSON object per line to out, until Close.
func NewAudit(out io.Writer, log *slog.Logger, metrics *Metrics) *Audit {
	a := &Audit{out: out, log: log, metrics: metrics, lines: make(chan []byte, auditQueue), stopped: make(chan struct{})}
	go a.run()
	return a
}

// Write queues a record. A failure does not change the response, which is sent already. It is
// counted and logged.
func (a *Audit) Write(record AuditRecord) {
	if a == nil {
		return
	}
	line := record.line()
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.closed {
		a.lost(1, errAuditClosed)
		return
	}
	a.pending.Add(1)
	select {
	case a.lines <- line:
		return
	default:
	}
	if !a.stalled.Load() { // only one record waits at a time
		timer := time.NewTimer(auditPatience)
		defer timer.Stop()
		select {
		case a.lines <- line:
			return
		case <-timer.C:
			a.stalled.Store(true)
		}
	}
	a.pending.Add(-1)
	a.lost(1, errAuditFull)
}

var (
	errAuditFull   = errors.New("the queue is full: the reader of the audit stream is too slow")
	errAuditClosed = errors.New("the service is stopping")
)

// lost counts lost records and logs at most once per second.
func (a *Audit) lost(records int, err error) {
	a.metrics.ObserveAuditFailures(records)
	now, last := time.Now().Unix(), a.told.Load()
	if now != last && a.told.CompareAndSwap(last, now) {
		a.log.Error("audit records are lost; reporting_audit_failures_total counts them", "error", err.Error())
	}
}

// run writes records until Close, and then the remaining ones.
func (a *Audit) run() {
	defer close(a.stopped)
	for line := range a.lines {
		a.write(line)
		time.Sleep(auditPause)
	}
}

// write writes a batch of lines in one call, so that the lines of several processes do not mix
// in one file.
func (a *Audit) write(batch []byte) {
	records := 1
	if a.torn {
		// A full disk can leave half a line. The next record starts a new line.
		batch = append([]byte{'\n'}, batch...)
	}
	for more := true; more && len(batch) < auditBatch; {
		select {
		case line, open := <-a.lines:
			if more = open; open {
				batch = append(batch, line...)
				records++
			}
		default:
			more = false
		}
	}
	n, err := a.out.Write(batch)
	a.stalled.Store(false)
	if n > 0 {
		a.torn = batch[n-1] != '\n'
	}
	if err != nil {
		a.lost(records, err)
	}
	a.pending.Add(-int64(records))
}

// Close writes the remaining records and ends the stream, but not after the end of ctx. It works
// once.
func (a *Audit) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	close(a.lines)
	a.mu.Unlock()
	select {
	case <-a.stopped:
		return nil
	case <-ctx.Done():
		left := int(a.pending.Load())
		a.lost(left, errAuditClosed)
		return fmt.Errorf("%d audit records were not written: %w", left, ctx.Err())
	}
}
