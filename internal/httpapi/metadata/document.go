// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
)

// document is an encoded resource that is the same for every client and changes only with
// the program or its settings. Clients cache it.
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
	// Weak, because a compressed response carries it too (RFC 9110, section 8.8.1).
	// Hexadecimal, because clients make a versionId of it, which is a FHIR id.
	return document{text: text, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// documents is one resource, encoded once in every style.
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

func (d documents) serve(w http.ResponseWriter, r *httpapi.Request) error {
	return d[r.Choice.Style].serve(w, r)
}

// serve responds to GET and HEAD with an ETag, and to POST, which is not cached, without.
func (d document) serve(w http.ResponseWriter, r *httpapi.Request) error {
	if r.Method == http.MethodPost {
		return httpapi.WriteResource(w, r, http.StatusOK, d.text)
	}
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("Etag", d.etag)
	if httpapi.MatchesETag(r.Header.Values("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return httpapi.WriteResource(w, r, http.StatusOK, d.text)
}
