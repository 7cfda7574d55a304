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
	// auditQueue is how many records may wait to be written.
	auditQueue = 4096
	// auditPatience is how long an answer waits for room in the queue. It is long for
	// a disk that is busy, and short for a client.
	auditPatience = time.Second
	// auditPause is how long records are collected before they are written in one go: a
	// write for each would cost more than making the record.
	auditPause = 5 * time.Millisecond
	// auditBatch is about how much is written at a time, in bytes.
	auditBatch = 32 << 10
)

// Audit is a stream of audit records, apart from the log: it names users, is kept
// longer, and is for other eyes. A nil Audit keeps none.
//
// Records are written by a goroutine of its own, because whoever reads a pipe may
// stop reading: then records are lost, which is counted and logged, but the service
// goes on.
type Audit struct {
	out     io.Writer
	log     *slog.Logger
	metrics *Metrics
	lines   chan []byte
	pending atomic.Int64 // records that were taken and neither written nor given up
	mu      sync.RWMutex // held for reading while a record is queued, so that Close misses none
	closed  bool         // lines is closed
	stalled atomic.Bool  // nobody found room lately
	told    atomic.Int64 // the second in which a loss was last logged
	torn    bool         // the last line has no end; only the goroutine looks
	stopped chan struct{}
}

// NewAudit returns a stream that writes one JSON object a line to out, until Close.
func NewAudit(out io.Writer, log *slog.Logger, metrics *Metrics) *Audit {
	a := &Audit{out: out, log: log, metrics: metrics, lines: make(chan []byte, auditQueue), stopped: make(chan struct{})}
	go a.run()
	return a
}

// Write hands a record over. One that cannot be written breaks no answer, which has
// been written by then, but somebody has to hear of it.
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
	if !a.stalled.Load() { // one that waits at a time is enough
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
	errAuditFull   = errors.New("too many records wait: whoever takes them does not keep up")
	errAuditClosed = errors.New("the service is stopping")
)

// lost counts each record, and says so once in a second.
func (a *Audit) lost(records int, err error) {
	a.metrics.ObserveAuditFailures(records)
	now, last := time.Now().Unix(), a.told.Load()
	if now != last && a.told.CompareAndSwap(last, now) {
		a.log.Error("audit records are lost; reporting_audit_failures_total counts them", "error", err.Error())
	}
}

// run writes records until Close, and then what is left of them.
func (a *Audit) run() {
	defer close(a.stopped)
	for line := range a.lines {
		a.write(line)
		time.Sleep(auditPause)
	}
}

// write writes a line and those that wait behind it, in one call, so that records of
// several processes do not mix in one file.
func (a *Audit) write(batch []byte) {
	records := 1
	if a.torn {
		// Or the half of a record that a full disk left takes the next one along.
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

// Close writes what waits and ends the stream, but not beyond ctx. It works once.
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
