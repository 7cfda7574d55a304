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
	// mostPending is how much may wait to be written, in bytes.
	mostPending = 1 << 20
	// linesPause is how long lines are collected before they are written in one go: a
	// write for each would cost more than making the line.
	linesPause = 5 * time.Millisecond
)

// Lines is where a log goes when nobody is to wait for it: a goroutine of its own
// writes what was logged meanwhile. When whoever takes the lines does not keep up, more
// are dropped, and a line says later how many.
type AsyncWriter struct {
	out  io.Writer
	tell *slog.Logger // logs to these lines

	mu      sync.Mutex
	pending []byte
	lost    int
	closed  bool

	wake    chan struct{} // holds one when there is something to write
	stopped chan struct{}
}

// NewBufferedLogger returns a logger whose lines reach w a few milliseconds later, and
// those lines, which are to be closed when nothing is logged any more.
func NewBufferedLogger(w io.Writer, level slog.Level, format Format) (*slog.Logger, *AsyncWriter) {
	l := &AsyncWriter{out: w, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	l.tell = NewLogger(l, level, format)
	go l.run()
	return l.tell, l
}

// Write implements io.Writer. It takes a whole line and never fails.
func (l *AsyncWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		select {
		case <-l.stopped:
			_, _ = l.out.Write(line) // after the end, of something that was cut off
		default:
		}
	case len(l.pending)+len(line) > mostPending:
		l.lost++
	default:
		if len(l.pending) == 0 {
			l.wake <- struct{}{} // there is room: it was taken before pending became empty
		}
		l.pending = append(l.pending, line...)
	}
	return len(line), nil
}

// take takes what is pending, in exchange for an empty buffer.
func (l *AsyncWriter) take(empty []byte) (pending []byte, lost int, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pending, l.pending = l.pending, empty[:0]
	lost, l.lost = l.lost, 0
	return pending, lost, l.closed
}

// run writes what is pending until Close, and then what is left.
func (l *AsyncWriter) run() {
	defer close(l.stopped)
	var buffer []byte
	for range l.wake {
		var lost int
		var closed bool
		buffer, lost, closed = l.take(buffer)
		_, _ = l.out.Write(buffer) // nobody could be told
		if closed {
			return
		}
		if lost > 0 {
			l.tell.Warn("log lines were lost: whoever takes them does not keep up", "lines", lost)
		}
		time.Sleep(linesPause)
	}
}

// Close writes what waits, but not beyond ctx.
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
		return fmt.Errorf("the end of the log was not written: %w", ctx.Err())
	}
}
