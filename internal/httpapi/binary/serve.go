// SPDX-License-Identifier: Apache-2.0

package binary

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/report"
)

// copySize is the size of the copy buffer, in bytes.
const copySize = 32 << 10

// Stored is a version of a Binary with its data.
type Stored struct {
	report.Binary
	Data io.ReadSeeker
}

// Serve responds with a version of a Binary, as the client prefers: as a resource, or as its
// bytes alone. It supports conditional requests, and for bytes ranges.
func Serve(w http.ResponseWriter, r *httpapi.Request, base string, b Stored) (err error) {
	header := w.Header()
	defer func() {
		if err != nil { // the headers do not describe an error
			for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Location", "Etag", "Last-Modified", "Content-Length"} {
				header.Del(name)
			}
		}
	}()
	header.Set("Etag", `W/"`+strconv.Itoa(b.Version)+`"`)
	header.Set("Last-Modified", b.LastUpdated.UTC().Format(http.TimeFormat))
	header.Set("Content-Location", VersionURL(base, b.Binary))
	if !negotiation.Resource(r.Header.Values("Accept"), r.Query, b.ContentType) {
		return serveBytes(w, r, b)
	}
	if r.Refusal != nil {
		return r.Refusal
	}
	if notModified(r, header.Get("Etag"), b.LastUpdated) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if r.Method == http.MethodHead {
		header.Set("Content-Type", r.Choice.ContentType())
		return nil
	}
	return Write(w, r, b.Binary, b.Data)
}

// VersionURL is the URL of a version.
func VersionURL(base string, b report.Binary) string {
	return fmt.Sprintf("%s/Binary/%d/_history/%d", base, b.ID, b.Version)
}

// notModified returns true if the client has this version (RFC 9110, section
// 13.2.2).
func notModified(r *httpapi.Request, etag string, updated time.Time) bool {
	if none := r.Header.Values("If-None-Match"); len(none) > 0 {
		return httpapi.MatchesETag(none, etag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !updated.Truncate(time.Second).After(since)
}

// Check returns an error if a Binary cannot be encoded in the negotiated format: XML cannot
// represent every user_id. Call it before the Binary exists.
func Check(r *httpapi.Request, b report.Binary) error {
	_, err := frame(r, b)
	return err
}

func frame(r *httpapi.Request, b report.Binary) (fhir.BinaryFrame, error) {
	frame, err := fhir.FrameBinary(b, r.Choice.Style)
	if err != nil {
		return frame, httpapi.NotAcceptable("The Binary cannot be written in this format without loss. Ask for application/fhir+json.")
	}
	return frame, nil
}

// Write responds with a Binary as a resource, and streams its data.
func Write(w http.ResponseWriter, r *httpapi.Request, b report.Binary, data io.Reader) error {
	framed, err := frame(r, b)
	if err != nil {
		return err
	}
	response := httpapi.NewResponse(w, r)
	defer response.Release()
	response.Buffer = append(response.Buffer, framed.Before...)
	encoder := base64.NewEncoder(base64.StdEncoding, flushingWriter{response})
	if _, err := io.CopyBuffer(struct{ io.Writer }{encoder}, data, make([]byte, copySize)); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	response.Buffer = append(response.Buffer, framed.After...)
	return response.End()
}

// flushingWriter flushes the response when a piece is full.
type flushingWriter struct{ *httpapi.Response }

// Write implements io.Writer.
func (p flushingWriter) Write(b []byte) (int, error) {
	p.Buffer = append(p.Buffer, b...)
	if p.NeedsFlush() {
		return len(b), p.Flush()
	}
	return len(b), nil
}

// serveBytes responds with the data itself. net/http evaluates conditions and ranges.
func serveBytes(w http.ResponseWriter, r *httpapi.Request, b Stored) error {
	header := w.Header()
	header.Set("Content-Type", b.ContentType)
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(b.Binary)}))
	if b.Size > httpapi.FlushSize && r.Method != http.MethodHead {
		if err := r.BeginStreaming(); err != nil {
			return err
		}
	}
	if err := readable(b.Data); err != nil {
		return err
	}
	out := &bytesWriter{ResponseWriter: w}
	http.ServeContent(out, r.Request, "", b.LastUpdated, b.Data)
	if out.beyond {
		return &httpapi.Problem{Status: http.StatusRequestedRangeNotSatisfiable, Issues: []fhir.Issue{{
			Code: models.IssueTypeInvalid, Diagnostics: fmt.Sprintf("The range lies outside of the %d bytes that there are.", b.Size),
		}}}
	}
	if failed, ok := b.Data.(interface{ Err() error }); ok && failed.Err() != nil {
		return failed.Err()
	}
	if out.err != nil {
		return &report.Error{Kind: report.Disconnected, Cause: fmt.Errorf("send response: %w", out.err)}
	}
	return nil
}

// readable reads a byte ahead, while an error can still get its status.
func readable(data io.ReadSeeker) error {
	if _, err := data.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := data.Seek(0, io.SeekStart)
	return err
}

// fileName is the name in Content-Disposition.
func fileName(b report.Binary) string {
	name := fmt.Sprintf("Binary-%d", b.ID)
	if b.ContentType == report.PlaceholderType {
		name += ".txt"
	}
	return cmp.Or(b.FileName, name)
}

// bytesWriter renews the write deadline for each piece, and suppresses net/http's own
// plain-text response to a range that cannot be satisfied.
type bytesWriter struct {
	http.ResponseWriter
	beyond bool  // the range cannot be satisfied
	err    error // of writing
}

// WriteHeader implements http.ResponseWriter.
func (w *bytesWriter) WriteHeader(status int) {
	if status == http.StatusRequestedRangeNotSatisfiable {
		w.beyond = true
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *bytesWriter) Write(b []byte) (int, error) {
	if w.beyond {
		return len(b), nil
	}
	httpapi.RenewDeadline(w.ResponseWriter)
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

// role is what a caller needs to read a Binary, and to delete it.
const role = "Binary.read"

// Authorize returns an error if the caller may not read any Binary.
func Authorize(caller auth.Principal) error {
	if caller.HasRole(role) {
		return nil
	}
	return httpapi.Forbidden("Binary", caller.UserType, role)
}
