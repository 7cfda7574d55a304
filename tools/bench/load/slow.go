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

// Slow are connections that ask and hardly read: the status at once, then a byte a
// second. Their receive buffers are small, so that answers pile up at the service. One
// that is refused or ended asks again a second later, on a new connection.
type Slow struct {
	addr    string
	cancel  context.CancelFunc
	readers sync.WaitGroup

	reading, asked, refused, ended, failed atomic.Int64
}

// SlowCounts is how slow readers fare.
type SlowCounts struct {
	Reading int // have the begin of a right answer, and read
	Asked   int // calls so far
	Refused int // of these, with status 429 or 503
	Ended   int // answers that the service broke off or had sent whole
	Failed  int // calls that came to nothing else
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

// Counts tells how they fare.
func (s *Slow) Counts() SlowCounts {
	return SlowCounts{
		Reading: int(s.reading.Load()), Asked: int(s.asked.Load()), Refused: int(s.refused.Load()),
		Ended: int(s.ended.Load()), Failed: int(s.failed.Load()),
	}
}

// Stop ends them.
func (s *Slow) Stop() {
	s.cancel()
	s.readers.Wait()
}

// ask makes one call and reads its answer for as long as there is any.
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

// begin opens a connection with a small buffer and gets the status of an answer.
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
	// When ctx ends nobody shall wait for an answer any more.
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

// rest is the pause between two bytes.
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
