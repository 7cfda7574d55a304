// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
)

// readBody reads the body of an operation's call: a Parameters resource, or
// nothing at all, which FHIR takes as no parameters. It is returned as JSON too, where
// it is to be kept.
func readBody(w http.ResponseWriter, r *http.Request, room *bodyLimiter, keep bool) (inputs []fhir.Input, text []byte, err error) {
	body, err := receive(w, r, room)
	if err != nil || blank(body) {
		return nil, fhir.NoParameters(), err
	}
	format, err := bodyFormat(r.Header, body)
	if err != nil {
		return nil, nil, err
	}
	inputs, issues := fhir.ReadParameters(body, format)
	if len(issues) > 0 {
		return nil, nil, Invalid(issues)
	}
	if keep {
		if text, issues = fhir.KeepParameters(trim(body), format); len(issues) > 0 {
			return nil, nil, Invalid(issues)
		}
	}
	return inputs, text, nil
}

// receive takes in a body, within the limits of size and time, and inflates it.
func receive(w http.ResponseWriter, r *http.Request, room *bodyLimiter) ([]byte, error) {
	if r.ContentLength > room.max {
		return nil, tooLarge(room.max).with("Connection", "close")
	}
	body, err := room.arriveAll(http.MaxBytesReader(w, r.Body, room.max))
	if err != nil {
		return nil, readProblem(err)
	}
	if blank(body) {
		return nil, nil
	}
	return inflate(r.Header, body, room)
}

// blank tells whether there is nothing but what JSON and XML take for white space.
func blank(body []byte) bool { return len(trim(body)) == 0 }

func trim(body []byte) []byte { return bytes.Trim(body, " \t\r\n") }

func tooLarge(limit int64) *Problem {
	return problem(http.StatusRequestEntityTooLarge, models.IssueTypeTooLong,
		fmt.Sprintf("The body is larger than %d bytes.", limit))
}

func readProblem(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(e.Limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem(http.StatusRequestTimeout, models.IssueTypeTimeout, "The body did not arrive in time.").
			with("Connection", "close").because(err)
	}
	return problem(http.StatusBadRequest, models.IssueTypeStructure, "The body could not be read.").because(err)
}

// inflate undoes Content-Encoding. The limit holds for what comes out as well, or
// a thousandth of it could fill the memory.
func inflate(header http.Header, body []byte, room *bodyLimiter) ([]byte, error) {
	switch strings.ToLower(strings.Join(header.Values("Content-Encoding"), ",")) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip": // RFC 9110, section 8.4.1.3
	default:
		return nil, problem(http.StatusUnsupportedMediaType, models.IssueTypeNotSupported,
			"The body's Content-Encoding is not supported. Send it as it is, or with gzip.").with("Accept-Encoding", "gzip")
	}
	corrupt := problem(http.StatusBadRequest, models.IssueTypeStructure, "The body is not sound gzip.")
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, corrupt.because(err)
	}
	inflated, err := room.readAll(io.LimitReader(reader, room.max+1), func() {})
	if p, ok := errors.AsType[*Problem](err); ok {
		return nil, p
	}
	if err != nil {
		return nil, corrupt.because(err)
	}
	if int64(len(inflated)) > room.max {
		return nil, tooLarge(room.max)
	}
	return inflated, nil
}

// bodyFormat reads the body's label. A body without one is taken for JSON when it
// looks like it.
func bodyFormat(header http.Header, body []byte) (fhir.Format, error) {
	labels := header.Values("Content-Type")
	if strings.Join(labels, "") == "" && bytes.HasPrefix(trim(body), []byte("{")) {
		return fhir.JSON, nil
	}
	if len(labels) == 1 {
		if format, err := negotiation.Body(labels[0]); err == nil {
			return format, nil
		}
	}
	return 0, unsupportedMediaType("The body's Content-Type is not supported. Send a FHIR 4.0 resource in UTF-8 as application/fhir+json or application/fhir+xml.",
		negotiation.Types()...)
}

// unsupportedMediaType lists in Accept-Post what is read (Linked Data Platform
// 1.0, section 7.1).
func unsupportedMediaType(diagnostics string, types ...string) *Problem {
	return problem(http.StatusUnsupportedMediaType, models.IssueTypeNotSupported, diagnostics).with("Accept-Post", strings.Join(types, ", "))
}
