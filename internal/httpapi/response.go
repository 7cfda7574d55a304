// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/report"
	"reporting/internal/telemetry/tracing"
)

const (
	// FlushSize is about how much of a long response is sent at a time, in bytes. A shorter
	// response is sent whole, with a Content-Length.
	FlushSize = 64 << 10
	// initialSize is the initial capacity of a buffer, in bytes: enough for twenty jobs.
	initialSize = 16 << 10
	// maxPooled is the largest capacity of a buffer that the pool keeps, in bytes.
	maxPooled = 2 * FlushSize
	// writeTimeout is how long a client may take to accept one piece.
	writeTimeout = 10 * time.Second
)

var buffers = sync.Pool{New: func() any { return &Response{Buffer: make([]byte, 0, initialSize)} }}

// Response buffers a successful response and sends it, in pieces if it is long. Append to
// Buffer, call Flush between pieces, End once, and always Release.
//
// Flush and End wait for the client: hold no database connection while calling them.
type Response struct {
	Buffer []byte

	w         http.ResponseWriter
	r         *Request
	streaming bool
	encoding  *tracing.Span // of the piece that is being encoded
}

// NewResponse prepares a response with status 200 and the negotiated Content-Type.
func NewResponse(w http.ResponseWriter, r *Request) *Response {
	a, _ := buffers.Get().(*Response)
	*a = Response{Buffer: a.Buffer[:0], w: w, r: r}
	w.Header().Set("Content-Type", r.Choice.ContentType())
	return a
}

// Release returns the buffer to the pool. Do not use the response after it.
func (a *Response) Release() {
	a.encoding.End()
	*a = Response{Buffer: a.Buffer}
	if cap(a.Buffer) <= maxPooled {
		buffers.Put(a)
	}
}

// Encoding begins the trace span of the next piece. Rows are encoded while they arrive from
// the database, so the span begins before the query ends.
func (a *Response) Encoding() {
	if a.encoding == nil {
		a.encoding = a.r.trace.Child("encode")
	}
}

// NeedsFlush returns true when the buffer must be flushed before more is appended.
func (a *Response) NeedsFlush() bool { return len(a.Buffer) >= maxPooled }

// Flush sends the buffer of a response that continues. If the response cannot begin, the
// error is a *Problem.
func (a *Response) Flush() error {
	if !a.streaming {
		if err := a.r.BeginStreaming(); err != nil {
			return err
		}
		a.streaming = true
	}
	if err := a.send(); err != nil {
		return err
	}
	// Writers without a flush (tests) have nothing to flush; a lost client fails the next write.
	_ = http.NewResponseController(a.w).Flush()
	return nil
}

// End sends the rest.
func (a *Response) End() error {
	if !a.streaming {
		a.w.Header().Set("Content-Length", strconv.Itoa(len(a.Buffer)))
	}
	return a.send()
}

func (a *Response) send() error {
	a.Encoding()
	defer func() {
		a.encoding.End()
		a.encoding = nil
	}()
	a.encoding.Number("reporting.response.bytes", len(a.Buffer))
	RenewDeadline(a.w)
	if _, err := a.w.Write(a.Buffer); err != nil {
		a.encoding.Fail(report.Disconnected.String())
		return &report.Error{Kind: report.Disconnected, Cause: fmt.Errorf("send response: %w", err)}
	}
	a.Buffer = a.Buffer[:0]
	return nil
}

// RenewDeadline gives the client writeTimeout for one more piece, however long the request
// has taken so far.
func RenewDeadline(w http.ResponseWriter) {
	// Not every writer has deadlines (tests), and then there is none to miss.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// WriteResource sends an encoded resource as a whole.
func WriteResource(w http.ResponseWriter, r *Request, status int, text []byte) error {
	w.Header().Set("Content-Type", r.Choice.ContentType())
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	RenewDeadline(w)
	w.WriteHeader(status)
	_, err := w.Write(text)
	return err
}

// WriteOutcome responds with an OperationOutcome that reports no error.
func WriteOutcome(w http.ResponseWriter, r *Request, status int, outcome models.OperationOutcome) error {
	text, err := fhir.Marshal(outcome, r.Choice.Style)
	if err != nil {
		return err
	}
	return WriteResource(w, r, status, text)
}
