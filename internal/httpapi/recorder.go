// SPDX-License-Identifier: Apache-2.0

package httpapi

import "net/http"

// recorder is the http.ResponseWriter of handlers. It knows the status and the size of the
// response, and whether it has begun. Handlers write to out, which may be a compressor; what
// the compressor writes passes through connection, which counts the bytes that are sent.
type recorder struct {
	conn   http.ResponseWriter // of net/http
	out    http.ResponseWriter // the connection, or a compressor in front of it
	slot   *slot               // nil: no limit holds for the request
	status int                 // 0: the response has not begun
	bytes  int64               // of the body, as sent
}

// begin notes the first final status. A response that has begun frees the slot of its call.
func (w *recorder) begin(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
		w.slot.endCall()
	}
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.out.Header() }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	w.begin(status)
	w.out.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.out.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.out }

// connection is the end of a recorder that faces the client.
type connection recorder

// Header implements http.ResponseWriter.
func (c *connection) Header() http.Header { return c.conn.Header() }

// WriteHeader notes the status of a response that no handler of ours has made, such as that
// of a CORS preflight.
func (c *connection) WriteHeader(status int) {
	(*recorder)(c).begin(status)
	c.conn.WriteHeader(status)
}

// Write counts the bytes written.
func (c *connection) Write(b []byte) (int, error) {
	(*recorder)(c).begin(http.StatusOK)
	n, err := c.conn.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher, without which a compressor cannot stream.
func (c *connection) Flush() {
	if f, ok := c.conn.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap is for http.ResponseController.
func (c *connection) Unwrap() http.ResponseWriter { return c.conn }
