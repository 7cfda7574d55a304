// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"reporting/internal/report"
	"reporting/internal/rest/negotiation"
)

const (
	// flushSize is how much of an answer is collected before it is sent. What
	// fits goes out whole, with a Content-Length, after its rows were read.
	flushSize = 64 << 10
	// keepSize bounds what a pooled buffer may hold on to.
	keepSize = 2 * flushSize
	// writeTimeout is how long a client may take to accept one piece.
	writeTimeout = 10 * time.Second
)

var buffers = sync.Pool{New: func() any { return &Answer{Buffer: make([]byte, 0, flushSize)} }}

// Answer collects a successful answer and sends it in pieces when it is long.
// Append to Buffer, call Flush now and then, End once, and Release always.
type Answer struct {
	Buffer []byte
	w      http.ResponseWriter
	begun  bool
}

// NewAnswer prepares an answer to be sent with status 200, labelled as chosen.
func NewAnswer(w http.ResponseWriter, choice negotiation.Choice) *Answer {
	a, _ := buffers.Get().(*Answer)
	a.Buffer, a.w, a.begun = a.Buffer[:0], w, false
	w.Header().Set("Content-Type", choice.ContentType())
	return a
}

// Release gives the buffer back. The answer must not be used after it.
func (a *Answer) Release() {
	a.w = nil
	if cap(a.Buffer) <= keepSize {
		buffers.Put(a)
	}
}

// Full tells whether enough was collected for Flush to send it.
func (a *Answer) Full() bool { return len(a.Buffer) >= flushSize }

// Flush sends what was collected when it is enough to be worth it.
func (a *Answer) Flush() error {
	if !a.Full() {
		return nil
	}
	a.begun = true
	return a.send()
}

// End sends the rest.
func (a *Answer) End() error {
	if !a.begun {
		a.w.Header().Set("Content-Length", strconv.Itoa(len(a.Buffer)))
	}
	return a.send()
}

// renewDeadline gives the client writeTimeout for one more piece, however long the
// request has taken so far.
func renewDeadline(w http.ResponseWriter) {
	// Not every writer has deadlines (tests), and then there is none to miss.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

func (a *Answer) send() error {
	renewDeadline(a.w)
	if _, err := a.w.Write(a.Buffer); err != nil {
		return &report.Error{Kind: report.Gone, Cause: fmt.Errorf("send answer: %w", err)}
	}
	a.Buffer = a.Buffer[:0]
	return nil
}
