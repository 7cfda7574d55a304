// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// acceptPost lists the request types that are read (Linked Data Platform 1.0,
// section 7.1, is where the header comes from).
const acceptPost = "application/fhir+json, application/json"

// checkBody reads the body of an operation's call and makes sure that it is a
// Parameters resource, or nothing at all, which FHIR takes as no parameters.
func (s *server) checkBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.maxBody))
	if err != nil {
		return s.readProblem(err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := checkMediaType(r.Header, body); err != nil {
		return err
	}
	var resource struct {
		ResourceType *string `json:"resourceType"`
	}
	if err := json.Unmarshal(body, &resource); err != nil {
		return problem(http.StatusBadRequest, models.IssueTypeStructure, "The body is not a FHIR resource in JSON.").because(err)
	}
	if resource.ResourceType == nil {
		return problem(http.StatusBadRequest, models.IssueTypeStructure, "The body has no resourceType; expected Parameters.")
	}
	if *resource.ResourceType != "Parameters" {
		return problem(http.StatusBadRequest, models.IssueTypeInvalid,
			fmt.Sprintf("Expected a Parameters resource, got %.64q.", *resource.ResourceType))
	}
	return nil
}

func (s *server) readProblem(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, models.IssueTypeTooLong,
			fmt.Sprintf("The body is larger than %d bytes.", s.maxBody))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem(http.StatusRequestTimeout, models.IssueTypeTimeout, "The body did not arrive in time.").
			with("Connection", "close").because(err)
	}
	return problem(http.StatusBadRequest, models.IssueTypeStructure, "The body could not be read.").because(err)
}

// checkMediaType accepts JSON in its FHIR, generic and legacy names. A body
// without a label is taken for what it looks like.
func checkMediaType(header http.Header, body []byte) error {
	unsupported := problem(http.StatusUnsupportedMediaType, models.IssueTypeNotSupported,
		"The body's media type is not supported. Send "+acceptPost+".").with("Accept-Post", acceptPost)
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return unsupported
	}
	label := header.Get("Content-Type")
	if label == "" {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
			return nil
		}
		return unsupported
	}
	mediaType, params, err := mime.ParseMediaType(label)
	if err != nil {
		return unsupported
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupported
	}
	switch mediaType {
	case "application/fhir+json", "application/json", "text/json", "application/json+fhir":
		return nil
	}
	return unsupported
}
