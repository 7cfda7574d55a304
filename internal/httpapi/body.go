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
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/httpapi/negotiation"
)

// readBody reads the body of an operation: a Parameters resource, or nothing, which means no
// parameters. With keep it also returns the resource as JSON, for the job.
func readBody(w http.ResponseWriter, r *http.Request, limiter *bodyLimiter, keep bool) (inputs []fhir.Input, text []byte, err error) {
	body, err := receive(w, r, limiter)
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

// receive reads a body within the limits of size and time, and decompresses it.
func receive(w http.ResponseWriter, r *http.Request, limiter *bodyLimiter) ([]byte, error) {
	if r.ContentLength > limiter.max {
		return nil, tooLarge(limiter.max).with("Connection", "close")
	}
	body, err := limiter.read(http.MaxBytesReader(w, r.Body, limiter.max))
	if err != nil {
		return nil, readProblem(err)
	}
	if blank(body) {
		return nil, nil
	}
	return inflate(r.Header, body, limiter)
}

// blank returns true if the body holds nothing but white space of JSON and XML.
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

// inflate undoes Content-Encoding. The size limit also holds for the result, because gzip
// inflates up to a thousandfold.
func inflate(header http.Header, body []byte, limiter *bodyLimiter) ([]byte, error) {
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
	inflated, err := limiter.readAll(io.LimitReader(reader, limiter.max+1), func() {})
	if p, ok := errors.AsType[*Problem](err); ok {
		return nil, p
	}
	if err != nil {
		return nil, corrupt.because(err)
	}
	if int64(len(inflated)) > limiter.max {
		return nil, tooLarge(limiter.max)
	}
	return inflated, nil
}

// bodyFormat reads Content-Type. A body without one is JSON if it begins like JSON.
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

// unsupportedMediaType lists the supported types in Accept-Post (Linked Data Platform
// 1.0, section 7.1).
func unsupportedMediaType(diagnostics string, types ...string) *Problem {
	return problem(http.StatusUnsupportedMediaType, models.IssueTypeNotSupported, diagnostics).with("Accept-Post", strings.Join(types, ", "))
}

// formTimeout is how long a form may take to arrive: anonymous clients send forms.
const formTimeout = 5 * time.Second

// ReadForm adds the search parameters in the body of a request to Query and negotiates the
// format again, since the form may contain _format (FHIR R4 http.html, section 3.1.0.11).
// The body may be as long as a URL.
func (r *Request) ReadForm(w http.ResponseWriter) error {
	const formType = "application/x-www-form-urlencoded"
	limiter := &bodyLimiter{w: w, max: maxURL}
	limiter.setTimeout(formTimeout)
	body, err := receive(w, r.Request, limiter)
	if err != nil {
		return err
	}
	if name, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !blank(body) && !strings.EqualFold(strings.TrimSpace(name), formType) {
		return unsupportedMediaType("The body's Content-Type is not supported. Send search parameters as "+formType+".", formType)
	}
	form, err := parseQuery(string(body))
	if err != nil {
		return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The form in the body cannot be read.").because(err)
	}
	for name, values := range form {
		r.Query[name] = append(r.Query[name], values...)
	}
	r.negotiate()
	return r.Refusal
}
