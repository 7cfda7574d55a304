// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Slow is a set of clients that read slowly: the status at once, and then a byte per second.
// Their receive buffers are small, so that responses pile up in the service. A client that is
// rejected or finished sends another request a second later, on a new connection.
type Slow struct {
	addr    string
	cancel  context.CancelFunc
	readers sync.WaitGroup

	reading, asked, refused, ended, failed atomic.Int64
}

// SlowCounts counts the slow clients by state.
type SlowCounts struct {
	Reading int // clients that read a correct response
	Asked   int // requests so far
	Refused int // rejections, status 429 or 503
	Ended   int // responses that the service aborted or completed
	Failed  int // other failures
}

const (
	slowPace   = time.Second
	slowBuffer = 4096 // bytes; the kernel doubles it
)

// StartSlow opens a connection for each request.
func StartSlow(ctx context.Context, addr string, requests [][]byte) *Slow {
	ctx, cancel := context.WithCancel(ctx)
	s := &Slow{addr: addr, cancel: cancel}
	for _, request := range requests {
		s.readers.Go(func() {
			for ctx.Err() == nil {
				s.ask(ctx, request)
				rest(ctx)
			}
		})
	}
	return s
}

// Counts returns the current counts.
func (s *Slow) Counts() SlowCounts {
	return SlowCounts{
		Reading: int(s.reading.Load()), Asked: int(s.asked.Load()), Refused: int(s.refused.Load()),
		Ended: int(s.ended.Load()), Failed: int(s.failed.Load()),
	}
}

// Stop closes the connections.
func (s *Slow) Stop() {
	s.cancel()
	s.readers.Wait()
}

// ask sends one request and reads its response slowly.
func (s *Slow) ask(ctx context.Context, request []byte) {
	s.asked.Add(1)
	status, conn, err := s.begin(ctx, request)
	if err != nil {
		if ctx.Err() == nil {
			s.failed.Add(1)
		}
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	switch status {
	case "200":
	case "429", "503":
		s.refused.Add(1)
		return
	default:
		s.failed.Add(1)
		return
	}
	s.reading.Add(1)
	defer s.reading.Add(-1)
	one := make([]byte, 1)
	for {
		rest(ctx)
		if _, err := conn.Read(one); err != nil {
			if ctx.Err() == nil {
				s.ended.Add(1)
			}
			return
		}
	}
}

// begin opens a connection with a small buffer and reads the status of a response.
func (s *Slow) begin(ctx context.Context, request []byte) (status string, conn net.Conn, err error) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, slowBuffer)
		})
		return errors.Join(err, failed)
	}}
	opened, err := dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return "", nil, err
	}
	// The end of ctx interrupts the wait for a response.
	defer context.AfterFunc(ctx, func() { _ = opened.Close() })()
	status, err = ask(opened, request)
	if err != nil {
		_ = opened.Close()
		return "", nil, err
	}
	return status, opened, nil
}

// ask sends the request and reads the status.
func ask(conn net.Conn, request []byte) (status string, err error) {
	if _, err := conn.Write(request); err != nil {
		return "", fmt.Errorf("send request: %w", err)
	}
	head := make([]byte, len("HTTP/1.1 200"))
	if err := conn.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", fmt.Errorf("read status: %w", err)
	}
	return string(head[len("HTTP/1.1 "):]), conn.SetReadDeadline(time.Time{})
}

// rest pauses between two bytes.
func rest(ctx context.Context) {
	select {
	case <-time.After(slowPace):
	case <-ctx.Done():
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
