// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"reporting/internal/fhir"
)

// document is a resource that is the same for everybody and changes only with
// the program or its settings: written once, served with a validator.
type document struct {
	text []byte
	etag string
}

func newDocument(resource json.Marshaler) (document, error) {
	text, err := fhir.Marshal(resource)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(text)
	// Weak, because a compressed answer carries it too (RFC 9110, section 8.8.1).
	return document{text: text, etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// serve answers GET and HEAD.
func (d document) serve(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("Etag", d.etag)
	if matches(r.Header.Values("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeText(w, http.StatusOK, d.text)
}

// matches is the weak comparison of If-None-Match (RFC 9110, section 13.1.2).
func matches(headers []string, etag string) bool {
	for candidate := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
