// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// maxURL is the longest request target, in bytes.
const maxURL = 8 << 10

// maxHeaders is how many headers a request may have. Short ones take twenty times
// their size in memory, for as long as the request takes.
const maxHeaders = 100

// checkSize refuses requests with too long a URL, too many headers, or an ambiguous path.
func checkSize(r *http.Request) error {
	switch {
	case len(r.RequestURI) > maxURL:
		return problem(http.StatusRequestURITooLong, models.IssueTypeTooLong, "The address is too long.")
	case headers(r.Header) > maxHeaders:
		return problem(http.StatusRequestHeaderFieldsTooLarge, models.IssueTypeTooLong, "The request has too many headers.").with("Connection", "close")
	case ambiguous(r.URL):
		return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The path holds encoded characters that have no place in it.")
	}
	return nil
}

// normalise rewrites the path before it is routed, so that spellings which mean the same
// reach the same route without a redirect: %24 for $, doubled slashes, a slash at the end.
// A HAPI client never follows a redirect after a POST.
func normalise(r *http.Request) *http.Request {
	clean := cleanPath(r.URL.Path)
	if clean == r.URL.Path && r.URL.RawPath == "" {
		return r
	}
	rewritten := new(http.Request)
	*rewritten = *r
	rewritten.URL = new(url.URL)
	*rewritten.URL = *r.URL
	rewritten.URL.Path, rewritten.URL.RawPath = clean, ""
	return rewritten
}

// headers counts header lines.
func headers(header http.Header) int {
	lines := 0
	for _, values := range header {
		lines += len(values)
	}
	return lines
}

// cleanPath drops empty segments. Dot segments stay and lead nowhere.
func cleanPath(path string) string {
	if !strings.Contains(path, "//") && !strings.HasSuffix(path, "/") {
		return path
	}
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	return "/" + strings.Join(segments, "/")
}

// ambiguous tells whether decoding has changed what the path's segments are: an
// encoded slash, which net/url keeps in RawPath alone, a backslash, or a control
// character.
func ambiguous(u *url.URL) bool {
	if u.RawPath != "" && strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return true
	}
	return strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' })
}
