// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
	"reporting/internal/report"
)

// copySize is how much of a result is handled at a time, in bytes.
const copySize = 32 << 10

// Stored is a version of a Binary, and its data.
type Stored struct {
	report.Binary
	Data io.ReadSeeker
}

// ServeBinary answers with a version of a Binary, as the client wants it: as a resource,
// or its bytes alone. It knows validators, and of bytes ranges.
func ServeBinary(w http.ResponseWriter, r *http.Request, call Call, base string, b Stored) (err error) {
	header := w.Header()
	defer func() {
		if err != nil { // of which the headers say nothing
			for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Location", "Etag", "Last-Modified", "Content-Length"} {
				header.Del(name)
			}
		}
	}()
	header.Set("Etag", `W/"`+strconv.Itoa(b.Version)+`"`)
	header.Set("Last-Modified", b.LastUpdated.UTC().Format(http.TimeFormat))
	header.Set("Content-Location", VersionURL(base, b.Binary))
	if !negotiation.Resource(r.Header.Values("Accept"), query(r), b.ContentType) {
		return serveBytes(w, r, call, b)
	}
	if refusal := exchangeOf(r.Context()).refusal; refusal != nil {
		return refusal
	}
	if notModified(r, header.Get("Etag"), b.LastUpdated) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if r.Method == http.MethodHead {
		header.Set("Content-Type", call.Choice.ContentType())
		return nil
	}
	return WriteBinary(w, call, b.Binary, b.Data)
}

// query is that of the address, as far as it can be read.
func query(r *http.Request) url.Values { return exchangeOf(r.Context()).query }

// VersionURL is the address of a version.
func VersionURL(base string, b report.Binary) string {
	return fmt.Sprintf("%s/Binary/%d/_history/%d", base, b.ID, b.Version)
}

// notModified tells whether the client has this version already (RFC 9110, section
// 13.2.2).
func notModified(r *http.Request, etag string, updated time.Time) bool {
	if none := r.Header.Values("If-None-Match"); len(none) > 0 {
		return matches(none, etag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !updated.Truncate(time.Second).After(since)
}

// CheckBinary tells whether a Binary can be written as the client wants it, for what has to
// know that before there is one: XML cannot hold every owner's id.
func CheckBinary(call Call, b report.Binary) error {
	_, err := frameBinary(call, b)
	return err
}

func frameBinary(call Call, b report.Binary) (fhir.BinaryFrame, error) {
	frame, err := fhir.FrameBinary(b, call.Choice.Style)
	if err != nil {
		return frame, NotAcceptable("The Binary cannot be written in this format without loss. Ask for application/fhir+json.")
	}
	return frame, nil
}

// WriteBinary answers with a Binary as a resource, whose data streams through.
func WriteBinary(w http.ResponseWriter, call Call, b report.Binary, data io.Reader) error {
	frame, err := frameBinary(call, b)
	if err != nil {
		return err
	}
	answer := NewResponse(w, call)
	defer answer.Release()
	answer.Buffer = append(answer.Buffer, frame.Before...)
	encoder := base64.NewEncoder(base64.StdEncoding, pieceByPiece{answer})
	if _, err := io.CopyBuffer(struct{ io.Writer }{encoder}, data, make([]byte, copySize)); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	answer.Buffer = append(answer.Buffer, frame.After...)
	return answer.End()
}

// pieceByPiece sends an answer when a piece is full.
type pieceByPiece struct{ *Response }

// Write implements io.Writer.
func (p pieceByPiece) Write(b []byte) (int, error) {
	p.Buffer = append(p.Buffer, b...)
	if p.NeedsFlush() {
		return len(b), p.Flush()
	}
	return len(b), nil
}

// serveBytes answers with the data itself. Conditions and ranges are net/http's.
func serveBytes(w http.ResponseWriter, r *http.Request, call Call, b Stored) error {
	header := w.Header()
	header.Set("Content-Type", b.ContentType)
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(b.Binary)}))
	if b.Size > FlushSize && r.Method != http.MethodHead {
		if err := call.place.beginStreaming(); err != nil {
			return err
		}
	}
	if err := readable(b.Data); err != nil {
		return err
	}
	out := &bytesWriter{ResponseWriter: w}
	http.ServeContent(out, r, "", b.LastUpdated, b.Data)
	if out.beyond {
		return problem(http.StatusRequestedRangeNotSatisfiable, models.IssueTypeInvalid,
			fmt.Sprintf("The range lies outside of the %d bytes that there are.", b.Size))
	}
	if failed, ok := b.Data.(interface{ Err() error }); ok && failed.Err() != nil {
		return failed.Err()
	}
	if out.err != nil {
		return &report.Error{Kind: report.Disconnected, Cause: fmt.Errorf("send answer: %w", out.err)}
	}
	return nil
}

// readable reads a little ahead, as long as a failure can be told.
func readable(data io.ReadSeeker) error {
	if _, err := data.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := data.Seek(0, io.SeekStart)
	return err
}

// fileName is what a version of a Binary is saved as.
func fileName(b report.Binary) string {
	name := fmt.Sprintf("Binary-%d", b.ID)
	if b.ContentType == report.PlaceholderType {
		name += ".txt"
	}
	return cmp.Or(b.FileName, name)
}

// bytesWriter gives a client time for one piece after the other, and keeps net/http from
// answering in plain text.
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
	renewDeadline(w.ResponseWriter)
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

// WriteOutcome answers with an OperationOutcome that tells of no fault.
func WriteOutcome(w http.ResponseWriter, call Call, status int, outcome models.OperationOutcome) error {
	text, err := fhir.Marshal(outcome, call.Choice.Style)
	if err != nil {
		return err
	}
	call.place.encoded()
	return writeText(w, status, call.Choice, text)
}

// binaryRole is what a caller needs for results, wherever they are, to delete them as well.
const binaryRole = "Binary.read"

// MayRead tells whether a caller may have results at all.
func MayRead(caller auth.Principal) error {
	if caller.HasRole(binaryRole) {
		return nil
	}
	return Forbidden("Binary", caller.UserType, binaryRole)
}

// Forbidden is the answer to a caller who lacks a role.
func Forbidden(what, userType, role string) *Problem {
	if strings.TrimSpace(userType) == "" {
		userType = "this user"
	}
	p := problem(http.StatusForbidden, models.IssueTypeForbidden,
		fmt.Sprintf("Insufficient permission for %s for %.32s. It takes the role %s.", what, userType, role))
	p.Issues[0].MessageCode = "SECURITY_TOKEN_INSUFFICIENT_PERMISSION"
	return p
}
