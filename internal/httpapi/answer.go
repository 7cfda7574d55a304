// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"reporting/internal/report"
	"reporting/internal/telemetry/tracing"
)

const (
	// PieceSize is about how much of a long answer is sent at a time, in bytes. An
	// answer that is not longer goes out whole, with a Content-Length.
	FlushSize = 64 << 10
	// usualSize is what a buffer begins with: enough for twenty jobs.
	usualSize = 16 << 10
	// keepSize bounds what a pooled buffer may hold on to.
	keepSize = 2 * FlushSize
	// writeTimeout is how long a client may take to accept one piece.
	writeTimeout = 10 * time.Second
)

var buffers = sync.Pool{New: func() any { return &Response{Buffer: make([]byte, 0, usualSize)} }}

// Answer collects a successful answer and sends it, in pieces when it is long. Append
// to Buffer, Send what there is when more is to come, End once, and Release always.
//
// Send and End wait for the client, so that whoever calls them holds nothing that
// others wait for.
type Response struct {
	Buffer []byte
	w      http.ResponseWriter
	place  *slot
	begun  bool

	trace    *tracing.Request
	encoding *tracing.Span // of the piece that is being made
}

// NewAnswer prepares an answer to be sent with status 200, labelled as chosen.
func NewResponse(w http.ResponseWriter, call Call) *Response {
	a, _ := buffers.Get().(*Response)
	a.Buffer, a.w, a.place, a.begun, a.trace = a.Buffer[:0], w, call.place, false, call.trace
	w.Header().Set("Content-Type", call.Choice.ContentType())
	return a
}

// Release gives the buffer back. The answer must not be used after it.
func (a *Response) Release() {
	a.encoding.End()
	a.w, a.place, a.trace, a.encoding = nil, nil, nil, nil
	if cap(a.Buffer) <= keepSize {
		buffers.Put(a)
	}
}

// Encoding tells, for traces, that the next piece of the answer is being made. What comes
// from the database is encoded while it comes, so this begins before the reading ends.
func (a *Response) Encoding() {
	if a.encoding == nil {
		a.encoding = a.trace.Child("encode")
	}
}

// Full tells whether it is high time to send what was collected.
func (a *Response) NeedsFlush() bool { return len(a.Buffer) >= keepSize }

// Send sends what was collected of an answer that goes on. The error of an answer that
// could not begin is a *Problem.
func (a *Response) Flush() error {
	if !a.begun {
		if err := a.place.beginStreaming(); err != nil {
			return err
		}
		a.begun = true
	}
	return a.send()
}

// End sends the rest.
func (a *Response) End() error {
	if !a.begun {
		a.place.encoded()
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

func (a *Response) send() error {
	a.Encoding()
	defer func() {
		a.encoding.End()
		a.encoding = nil
	}()
	a.encoding.Number("reporting.answer.bytes", len(a.Buffer))
	renewDeadline(a.w)
	_, err := a.w.Write(a.Buffer)
	if err != nil {
		a.encoding.Fail(report.Disconnected.String())
		return &report.Error{Kind: report.Disconnected, Cause: fmt.Errorf("send answer: %w", err)}
	}
	a.Buffer = a.Buffer[:0]
	return nil
}
