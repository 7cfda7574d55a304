// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"
	"net/url"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// maxURL is the longest request target that is looked at, in bytes.
const maxURL = 8 << 10

// normalise rewrites the path before it is routed, so that spellings which mean
// the same reach the same route without a redirect (a HAPI client never follows
// one after a POST): %24 for $, doubled slashes, a slash at the end.
func (s *server) normalise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxURL {
			s.funnel.wrap(tooLong).ServeHTTP(w, r)
			return
		}
		if ambiguous(r.URL) {
			s.funnel.wrap(badPath).ServeHTTP(w, r)
			return
		}
		clean := new(url.URL)
		*clean = *r.URL
		clean.Path, clean.RawPath = cleanPath(r.URL.Path), ""
		r2 := new(http.Request)
		*r2 = *r
		r2.URL = clean
		next.ServeHTTP(w, r2)
	})
}

// cleanPath drops empty segments. Dot segments stay and lead nowhere.
func cleanPath(path string) string {
	if path == "" || path == "/" || (!strings.Contains(path, "//") && !strings.HasSuffix(path, "/")) {
		return path
	}
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	return "/" + strings.Join(segments, "/")
}

// ambiguous tells whether decoding would change what the path's segments are:
// an encoded slash or backslash, or a control character.
func ambiguous(u *url.URL) bool {
	raw := strings.ToLower(u.EscapedPath())
	if strings.Contains(raw, "%2f") || strings.Contains(raw, "%5c") {
		return true
	}
	return strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func tooLong(http.ResponseWriter, *http.Request) error {
	return problem(http.StatusRequestURITooLong, models.IssueTypeTooLong, "The address is too long.")
}

func badPath(http.ResponseWriter, *http.Request) error {
	return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The path holds encoded characters that have no place in it.")
}
