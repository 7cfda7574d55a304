// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxPending is the maximum number of bytes that wait to be written.
	maxPending = 1 << 20
	// linesPause is the time for which lines are collected into one write.
	linesPause = 5 * time.Millisecond
)

// AsyncWriter is the output of a log. A goroutine writes the lines, so that no caller waits.
// When the reader of the log is too slow, further lines are dropped, and a later line says how
// many.
type AsyncWriter struct {
	out  io.Writer
	tell *slog.Logger // logs to this writer

	mu      sync.Mutex
	pending []byte
	lost    int
	closed  bool

	wake    chan struct{} // has an element when there is something to write
	stopped chan struct{}
}

// NewAsyncLogger returns a logger whose lines reach w a few milliseconds later, and the
// writer of these lines. Close the writer after the last line.
func NewAsyncLogger(w io.Writer, level slog.Level, format Format) (*slog.Logger, *AsyncWriter) {
	l := &AsyncWriter{out: w, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	l.tell = NewLogger(l, level, format)
	go l.run()
	return l.tell, l
}

// Write implements io.Writer. It accepts a whole line and never fails.
func (l *AsyncWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		select {
		case <-l.stopped:
			_, _ = l.out.Write(line) // after Close
		default:
		}
	case len(l.pending)+len(line) > maxPending:
		l.lost++
	default:
		if len(l.pending) == 0 {
			l.wake <- struct{}{} // never blocks: run empties wake before pending
		}
		l.pending = append(l.pending, line...)
	}
	return len(line), nil
}

// take returns the pending lines and keeps an empty buffer in exchange.
func (l *AsyncWriter) take(empty []byte) (pending []byte, lost int, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pending, l.pending = l.pending, empty[:0]
	lost, l.lost = l.lost, 0
	return pending, lost, l.closed
}

// run writes pending lines until Close, and then the remaining ones.
func (l *AsyncWriter) run() {
	defer close(l.stopped)
	var buffer []byte
	for range l.wake {
		var lost int
		var closed bool
		buffer, lost, closed = l.take(buffer)
		_, _ = l.out.Write(buffer) // there is no place to report an error
		if closed {
			return
		}
		if lost > 0 {
			l.tell.Warn("log lines were lost: the reader of the log is too slow", "lines", lost)
		}
		time.Sleep(linesPause)
	}
}

// Close writes the remaining lines, but not after the end of ctx.
func (l *AsyncWriter) Close(ctx context.Context) error {
	l.mu.Lock()
	idle := len(l.pending) == 0
	l.closed = true
	l.mu.Unlock()
	if idle {
		l.wake <- struct{}{}
	}
	select {
	case <-l.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("write last log lines: %w", ctx.Err())
	}
}
