// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"reporting/internal/fhir"
)

// document is a resource that is the same for everybody and changes only with
// the program or its settings: served with a validator, and cached by clients.
type document struct {
	text []byte
	etag string
}

func newDocument(resource json.Marshaler, style fhir.Style) (document, error) {
	text, err := fhir.Marshal(resource, style)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(text)
	// Weak, because a compressed answer carries it too (RFC 9110, section 8.8.1).
	// Hexadecimal, because clients make a versionId of it, which is a FHIR id.
	return document{text: text, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// documents is one document in every style, written once.
type documents map[fhir.Style]document

func newDocuments(resource json.Marshaler) (documents, error) {
	list := documents{}
	for _, format := range fhir.Formats() {
		for _, pretty := range []bool{false, true} {
			style := fhir.Style{Format: format, Pretty: pretty}
			var err error
			if list[style], err = newDocument(resource, style); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func (d documents) serve(w http.ResponseWriter, r *http.Request) error {
	return d[exchangeOf(r.Context()).choice.Style].serve(w, r)
}

// serve answers GET and HEAD with a validator, and POST, which is not cached.
func (d document) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return writeText(w, http.StatusOK, exchangeOf(r.Context()).choice, d.text)
	}
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("Etag", d.etag)
	if matches(r.Header.Values("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeText(w, http.StatusOK, exchangeOf(r.Context()).choice, d.text)
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
